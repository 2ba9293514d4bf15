"""Builders of tiny ONNX graphs, one for each thing that a session must get right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from serinus.adapters.onnx.c_api.elements import ELEMENTS
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.datatypes import NUMPY
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
from serinus.domain.tensor import Tensor
from tests.models import Built, zipmap_model

Shape = tuple[int | None, ...] | None
Arrays = Mapping[str, npt.NDArray[np.generic]]

NUMBERS = tuple(datatype for datatype in Datatype if datatype is not Datatype.BYTES)
EXTREMES: dict[Datatype, list[object]] = {
    **{
        datatype: [np.iinfo(NUMPY[datatype]).min, 0, np.iinfo(NUMPY[datatype]).max]
        for datatype in NUMBERS
        if NUMPY[datatype].kind in "iu"
    },
    **{datatype: [-np.inf, np.nan, 0.1] for datatype in (Datatype.FP16, Datatype.FP32, Datatype.FP64)},
    Datatype.BOOL: [True, False, True],
    Datatype.BYTES: ["", "Zürich 🦜", "nul\0inside\0"],
}


def array_of(datatype: Datatype, values: Sequence[object], shape: Sequence[int]) -> npt.NDArray[np.generic]:
    """Return values as an array of a datatype."""
    array: npt.NDArray[np.generic] = np.empty(len(values), dtype=NUMPY[datatype])
    for at, value in enumerate(values):
        array[at] = value  # type: ignore[assignment]  # whatever the datatype takes
    return array.reshape(shape)


def run_row(session: CApiSession, *rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one row of plain values of each input; return those of each output."""
    inputs = session._signature.inputs
    given = {
        tensor.name: Tensor.of(tensor.datatype, (1, len(tensor.columns)), row)
        for tensor, row in zip(inputs, rows, strict=True)
    }
    return [tuple(found.values()) for found in session.run_tensors(given).values()]


def size_of(datatype: Datatype) -> int:
    """Return the bytes that an element takes."""
    return ELEMENTS[datatype].size


@cache
def identity(datatype: Datatype, shape: Shape = None, columns: int = 3) -> Built:
    """Return a graph that gives `x` back as `y`."""
    return _graph("Identity", datatype, datatype, shape, columns)


@cache
def identity_of_onnx_type(onnx_type: int) -> bytes:
    """Return the file of a graph that gives `x` back as `y`, of any of ONNX's datatypes."""
    inputs = [helper.make_tensor_value_info("x", onnx_type, [None, 3])]
    outputs = [helper.make_tensor_value_info("y", onnx_type, [None, 3])]
    return serialised([helper.make_node("Identity", ["x"], ["y"])], inputs, outputs)


@cache
def cast(source: Datatype, target: Datatype) -> Built:
    """Return a graph that gives `x` as `y`, of another datatype."""
    return _graph("Cast", source, target, (None, 3), 3, to=ELEMENTS[target].onnx)


@cache
def everything_at_once() -> Built:
    """Return a graph that takes one input of each datatype and gives each back, the last one first."""
    inputs: list[onnx.ValueInfoProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    nodes: list[onnx.NodeProto] = []
    for datatype in Datatype:
        inputs.append(helper.make_tensor_value_info(f"in_{datatype}", ELEMENTS[datatype].onnx, [None, 2]))
        outputs.insert(0, helper.make_tensor_value_info(f"out_{datatype}", ELEMENTS[datatype].onnx, [None, 2]))
        nodes.append(helper.make_node("Identity", [f"in_{datatype}"], [f"out_{datatype}"]))
    signature = Signature(
        tuple(InputTensor(f"in_{datatype}", datatype, ("a", "b")) for datatype in Datatype),
        tuple(OutputTensor(f"out_{datatype}", datatype, (-1, 2)) for datatype in reversed(Datatype)),
        Score(f"out_{Datatype.FP32}"),
    )
    return serialised(nodes, inputs, outputs), signature


@cache
def positions_of_numbers() -> Built:
    """Return a graph that tells where `x` is not zero: how much it gives depends on the values."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.INT64, None)]
    return serialised([helper.make_node("NonZero", ["x"], ["y"])], inputs, outputs), _signature(
        Datatype.FP32, Datatype.INT64, 3
    )


@cache
def sequence_of_tensors() -> Built:
    """Return a graph whose output is no tensor."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    outputs = [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)]
    return serialised([helper.make_node("SequenceConstruct", ["x"], ["y"])], inputs, outputs), _signature(
        Datatype.FP32, Datatype.FP32, 3
    )


@cache
def input_as_output() -> Built:
    """Return a graph that gives its input as an output, beside a constant and a copy."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])
    constant = helper.make_tensor_value_info("constant", TensorProto.FLOAT, [1, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])
    weights = helper.make_tensor("constant", TensorProto.FLOAT, [1, 3], [4, 5, 6])
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    signature = Signature(
        (InputTensor("x", Datatype.FP32, ("a", "b", "c")),),
        tuple(OutputTensor(name, Datatype.FP32, (-1, 3)) for name in ("x", "constant", "y")),
        Score("y"),
    )
    return serialised(nodes, [x], [x, constant, y], [weights]), signature


@cache
def zipped() -> Built:
    """Return the model with a ZipMap, and a signature that asks for what it gives."""
    model, signature = zipmap_model()
    return model, Signature(signature.inputs, (OutputTensor("zipped", Datatype.FP32, (-1,)),), Score("zipped"))


@cache
def damaged_text() -> Built:
    """Return a graph whose output is a text that is no UTF-8."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.STRING, [1])]
    text = TensorProto(data_type=TensorProto.STRING, dims=[1], string_data=[b"\xff\xfe"])
    return serialised([helper.make_node("Constant", [], ["y"], value=text)], inputs, outputs), _signature(
        Datatype.FP32, Datatype.BYTES, 3
    )


@cache
def found_by_position() -> Built:
    """Return a graph that gives 7 for 1 and 2, and fails on every other number, on zero above all."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.INT64, [None, 1])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.INT64, None)]
    table = helper.make_tensor("table", TensorProto.INT64, [1], [7])
    nodes = [
        helper.make_node("Constant", [], ["one"], value=helper.make_tensor("one", TensorProto.INT64, [1], [1])),
        helper.make_node("Constant", [], ["table"], value=table),
        helper.make_node("Sub", ["one", "x"], ["index"]),
        helper.make_node("Gather", ["table", "index"], ["y"]),
    ]
    return serialised(nodes, inputs, outputs), _signature(Datatype.INT64, Datatype.INT64, 1)


def serialised(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: Sequence[onnx.TensorProto] = (),
) -> bytes:
    """Return the file of a graph."""
    graph = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _graph(operator: str, source: Datatype, target: Datatype, shape: Shape, columns: int, **told: int) -> Built:
    declared = None if shape is None else list(shape)
    inputs = [helper.make_tensor_value_info("x", ELEMENTS[source].onnx, declared)]
    outputs = [helper.make_tensor_value_info("y", ELEMENTS[target].onnx, declared)]
    return serialised(
        [helper.make_node(operator, ["x"], ["y"], None, None, None, None, **told)], inputs, outputs
    ), _signature(source, target, columns)


def _signature(source: Datatype, target: Datatype, columns: int) -> Signature:
    names = tuple("abcdefgh"[:columns])
    return Signature((InputTensor("x", source, names),), (OutputTensor("y", target, (-1, columns)),), Score("y"))
