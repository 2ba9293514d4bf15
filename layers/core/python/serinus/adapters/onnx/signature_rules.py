"""Whether a signature and a graph speak of the same tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import onnx

from serinus.adapters.onnx.datatypes import ONNX
from serinus.domain.signature import EVERY_COLUMN, Datatype, InputTensor, OutputTensor, Signature


@dataclass(frozen=True)
class GraphTensor:
    """An input or output as the graph declares it.

    Attributes:
        datatype: `None` where it is no tensor, or holds what the protocol has no name for.
        shape: -1 for a dimension that may vary; `None` where the graph declares no shape.
    """

    name: str
    datatype: Datatype | None
    shape: tuple[int, ...] | None


def graph_inputs(graph: onnx.GraphProto) -> list[GraphTensor]:
    """Return what must be fed; up to IR version 3 the weights are listed among the inputs, too."""
    weights = {tensor.name for tensor in graph.initializer}
    return [_graph_tensor(value) for value in graph.input if value.name not in weights]


def graph_outputs(graph: onnx.GraphProto) -> list[GraphTensor]:
    """Return what can be asked for."""
    return [_graph_tensor(value) for value in graph.output]


def faults(graph: onnx.GraphProto, signature: Signature) -> list[str]:
    """Return each disagreement as one sentence."""
    return [*_doubles(signature), *_input_faults(graph, signature), *_output_faults(graph, signature)]


def _graph_tensor(value: onnx.ValueInfoProto) -> GraphTensor:
    if not value.type.HasField("tensor_type"):
        return GraphTensor(value.name, None, None)
    kind = value.type.tensor_type
    shape = None
    if kind.HasField("shape"):
        shape = tuple(int(dim.dim_value) if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
    return GraphTensor(value.name, ONNX.get(kind.elem_type), shape)


def _doubles(signature: Signature) -> Iterator[str]:
    for what, names in (
        ("input", [tensor.name for tensor in signature.inputs]),
        ("output", [tensor.name for tensor in signature.outputs]),
        ("column", [feature.name for feature in signature.features]),
    ):
        for name, count in Counter(names).items():
            if count > 1:
                yield f"the signature names the {what} {name!r} {count} times: name each once"


def _input_faults(graph: onnx.GraphProto, signature: Signature) -> Iterator[str]:
    declared = {tensor.name: tensor for tensor in graph_inputs(graph)}
    for wanted in signature.inputs:
        found = declared.pop(wanted.name, None)
        if found is None:
            yield (
                f"the signature has an input {wanted.name!r}, but the graph takes "
                f"{_listed(tensor.name for tensor in graph_inputs(graph))}: name it as the graph does"
            )
        else:
            yield from _input_fault(wanted, found)
    for name in declared:
        yield (
            f"the graph takes an input {name!r} that the signature lacks: add it with its columns, or export "
            "without it"
        )


def _input_fault(wanted: InputTensor, found: GraphTensor) -> Iterator[str]:
    if found.datatype is not wanted.datatype:
        yield _datatype_fault("input", wanted.name, wanted.datatype, found.datatype)
    if not wanted.columns:
        yield f"the input {wanted.name!r} has no columns in the signature: name each feature it takes"
    if found.shape is None:
        return
    if len(found.shape) != 2:
        yield (
            f"the graph's input {wanted.name!r} has the shape {list(found.shape)}: Serinus sends [rows, columns], "
            "so export "
            "it with two dimensions"
        )
        return
    if found.shape[0] != -1:
        yield (
            f"the graph's input {wanted.name!r} takes exactly {found.shape[0]} rows: export it with a first "
            "dimension that "
            "may vary"
        )
    if found.shape[1] not in {-1, len(wanted.columns)}:
        yield (
            f"the graph's input {wanted.name!r} has {found.shape[1]} columns, but the signature names "
            f"{len(wanted.columns)}: name each column once, in the graph's order"
        )


def _output_faults(graph: onnx.GraphProto, signature: Signature) -> Iterator[str]:
    declared = {tensor.name: tensor for tensor in graph_outputs(graph)}
    for wanted in signature.outputs:
        found = declared.get(wanted.name)
        if found is None:
            yield (
                f"the signature has an output {wanted.name!r}, but the graph gives {_listed(declared)}: name it as "
                "the "
                "graph does"
            )
            continue
        if found.datatype is not wanted.datatype:
            yield _datatype_fault("output", wanted.name, wanted.datatype, found.datatype)
        if found.shape is not None and not _agree(found.shape, wanted.shape):
            yield (
                f"the graph's output {wanted.name!r} has the shape {list(found.shape)}, but the signature says "
                f"{list(wanted.shape)}: copy the graph's, with -1 for what may vary"
            )
    yield from _score_faults({tensor.name: tensor for tensor in signature.outputs}, declared, signature)


def _score_faults(
    outputs: dict[str, OutputTensor], declared: dict[str, GraphTensor], signature: Signature
) -> Iterator[str]:
    score = signature.score
    output = outputs.get(score.output)
    if output is None:
        yield (
            f"the score is taken from the output {score.output!r}, but the signature has {_listed(outputs)}: name "
            "one of these"
        )
        return
    if not output.datatype.is_number:
        yield f"the score is taken from the output {score.output!r}, which holds texts: name one that holds numbers"
    found = declared.get(score.output)
    shape = output.shape if found is None or found.shape is None else found.shape
    columns = shape[1] if len(shape) == 2 else 1
    if len(shape) not in {1, 2} or (len(shape) and shape[0] not in {-1, output.shape[0] if output.shape else -1}):
        yield f"the score's output {score.output!r} has the shape {list(shape)}: it must be [rows] or [rows, columns]"
    elif score.column == EVERY_COLUMN:
        if len(shape) != 2:
            yield f"the score is every column of the output {score.output!r}, but its shape is {list(shape)}"
    elif score.column < 0 or (columns != -1 and score.column >= columns):
        yield (
            f"the score is column {score.column} of the output {score.output!r}, which has {columns}: columns count "
            "from 0"
        )


def _datatype_fault(what: str, name: str, wanted: Datatype, found: Datatype | None) -> str:
    if found is None:
        return (
            f"the graph's {what} {name!r} is no tensor of numbers or texts: export the model with plain tensors (for "
            "scikit-learn, options={'zipmap': False})"
        )
    return f"the graph's {what} {name!r} is {found}, but the signature says {wanted}: correct the signature"


def _agree(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(found) == len(wanted) and all(a == b or -1 in {a, b} for a, b in zip(found, wanted, strict=True))


def _listed(names: object) -> str:
    listed = [repr(name) for name in list(names)[:20]]  # type: ignore[call-overload]  # any iterable of names
    return ", ".join(listed) or "none"
