"""What is refused of any graph: what is not in the file, what ONNX Runtime does not know, what is not for serving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import onnx

# What onnxruntime 1.22, the oldest that Serinus runs on, reads: ONNX 1.17 and back to opset 7.
_IR_VERSIONS = range(3, 11)
_OPSETS = {"ai.onnx": range(7, 23), "ai.onnx.ml": range(1, 6)}
_SHOWN = 5  # of each kind of fault; one is enough to act on, and a hostile file has millions

Owned = tuple[str, onnx.TensorProto]


def faults(model: onnx.ModelProto) -> list[str]:
    """Return each fault of the model itself, the signature apart."""
    nodes = list(_nodes(model))
    return [
        *_versions(model),
        *_first(_foreign_operators(nodes), "operators outside ONNX"),
        *_first(_external_tensors(model, nodes), "tensors outside the file"),
        *_oddities(model),
        *_first(_maps(nodes), "ZipMap nodes"),
    ]


def _versions(model: onnx.ModelProto) -> Iterator[str]:
    if model.ir_version not in _IR_VERSIONS:
        yield (
            f"the model has IR version {model.ir_version}, but Serinus serves {_span(_IR_VERSIONS)}: export it for "
            "one of "
            f"these, or set model.ir_version = {_IR_VERSIONS[-1]}"
        )
    for opset in model.opset_import[:100]:
        domain = opset.domain or "ai.onnx"
        served = _OPSETS.get(domain)
        if served is not None and opset.version not in served:
            yield (
                f"the model has opset {opset.version} of {domain}, but Serinus serves {_span(served)}: export it "
                "with a "
                "target opset in that range"
            )


def _foreign_operators(nodes: Iterable[tuple[str, onnx.NodeProto]]) -> Iterator[str]:
    for where, node in nodes:
        if (node.domain or "ai.onnx") not in _OPSETS:
            yield (
                f"{where} uses the operator {node.op_type!r} of the domain {node.domain!r}, which is not part of "
                "ONNX: "
                "export the model with standard operators only"
            )


def _external_tensors(model: onnx.ModelProto, nodes: Iterable[tuple[str, onnx.NodeProto]]) -> Iterator[str]:
    for where, tensor in _tensors(model, nodes):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            yield (
                f"{where} keeps its data outside the file: save the model as one file "
                "(onnx.save_model(..., save_as_external_data=False))"
            )


def _oddities(model: onnx.ModelProto) -> Iterator[str]:
    if model.functions:
        function = model.functions[0]
        yield (
            f"the model defines functions of its own ({len(model.functions)}, the first is {function.name!r}): put "
            "them in "
            "place with onnx.inliner.inline_local_functions"
        )
    if model.training_info:
        yield "the model carries training information, which is not for serving: export it for inference"


def _maps(nodes: Iterable[tuple[str, onnx.NodeProto]]) -> Iterator[str]:
    for where, node in nodes:
        if node.op_type == "ZipMap":
            yield (f"{where} makes a list of maps, which is not a tensor: convert with options={{'zipmap': False}}")


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """Walk the graph and every graph inside an attribute; protobuf itself limits how deep they nest."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)


def _nodes(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.NodeProto]]:
    for graph in _graphs(model):
        for position, node in enumerate(graph.node):
            yield f"node {node.name or position!r} of graph {graph.name!r}", node


def _tensors(model: onnx.ModelProto, nodes: Iterable[tuple[str, onnx.NodeProto]]) -> Iterator[Owned]:
    for graph in _graphs(model):
        for tensor in graph.initializer:
            yield f"the initializer {tensor.name!r}", tensor
        for sparse in graph.sparse_initializer:
            yield from _halves(f"the sparse initializer {sparse.values.name!r}", sparse)
    for where, node in nodes:
        for attribute in node.attribute:
            owner = f"the attribute {attribute.name!r} of {where}"
            if attribute.HasField("t"):
                yield owner, attribute.t
            for tensor in attribute.tensors:
                yield owner, tensor
            if attribute.HasField("sparse_tensor"):
                yield from _halves(owner, attribute.sparse_tensor)
            for sparse in attribute.sparse_tensors:
                yield from _halves(owner, sparse)


def _halves(owner: str, sparse: onnx.SparseTensorProto) -> Iterator[Owned]:
    yield owner, sparse.values
    yield owner, sparse.indices


def _first(found: Iterator[str], what: str) -> Sequence[str]:
    shown = list(islice(found, _SHOWN))
    others = sum(1 for _ in found)
    return [*shown, f"there are {others} more {what}: the remedy is the same"] if others else shown


def _span(versions: range) -> str:
    return f"{versions[0]} to {versions[-1]}"
