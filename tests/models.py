"""Builders of small real ONNX models, each with the signature that fits it; made once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature

Built = tuple[bytes, Signature]

_PROBABILITIES = OutputTensor("probabilities", Datatype.FP32, (-1, 2))
_ONNX_ML = "ai.onnx.ml"


@cache
def logistic_model(columns: tuple[str, ...] = ("a", "b"), weight: float = 1.0) -> Built:
    """Return a model whose probability is the logistic function of `weight` × the sum of its columns.

    Outputs `label` (INT64, [rows]) and `probabilities` (FP32, [rows, 2]). A missing value gives a missing score.
    """
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["logit"], name="product"),
        helper.make_node("Sigmoid", ["logit"], ["positive"], name="squash"),
        *_both_classes(),
    ]
    weights = numpy_helper.from_array(np.full((len(columns), 1), weight, dtype=np.float32), "weights")
    return _built(nodes, [weights, _one()], columns)


@cache
def boosted_model(columns: tuple[str, ...] = ("a", "b")) -> Built:
    """Return one decision stump a column: a value above 0 adds 1 to the logit, any other or none takes 1 away."""
    trees = len(columns)
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["logit"],
        name="trees",
        domain=_ONNX_ML,
        n_targets=1,
        nodes_treeids=[tree for tree in range(trees) for _ in range(3)],
        nodes_nodeids=[0, 1, 2] * trees,
        nodes_featureids=[feature for tree in range(trees) for feature in (tree, 0, 0)],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * trees,
        nodes_values=[0.0, 0.0, 0.0] * trees,
        nodes_truenodeids=[1, 0, 0] * trees,
        nodes_falsenodeids=[2, 0, 0] * trees,
        nodes_missing_value_tracks_true=[1, 0, 0] * trees,
        target_treeids=[tree for tree in range(trees) for _ in range(2)],
        target_nodeids=[1, 2] * trees,
        target_ids=[0, 0] * trees,
        target_weights=[-1.0, 1.0] * trees,
    )
    squash = helper.make_node("Sigmoid", ["logit"], ["positive"], name="squash")
    return _built([ensemble, squash, *_both_classes()], [_one()], columns)


@cache
def mixed_model() -> Built:
    """Return a model of two inputs: the number `amount` and the text `country`, of which `ch` adds 1 to the logit."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["country"],
            ["known"],
            name="encode",
            domain=_ONNX_ML,
            keys_strings=["ch", "de"],
            values_floats=[1.0, 0.0],
            default_float=-1.0,
        ),
        helper.make_node("Add", ["amount", "known"], ["logit"], name="sum"),
        helper.make_node("Sigmoid", ["logit"], ["positive"], name="squash"),
        *_both_classes(),
    ]
    inputs = [
        helper.make_tensor_value_info("amount", TensorProto.FLOAT, [None, 1]),
        helper.make_tensor_value_info("country", TensorProto.STRING, [None, 1]),
    ]
    signature = Signature(
        (InputTensor("amount", Datatype.FP32, ("amount",)), InputTensor("country", Datatype.BYTES, ("country",))),
        _outputs(),
        Score("probabilities", 1),
    )
    return serialised(nodes, [_one()], inputs), signature


@cache
def failing_model(columns: tuple[str, ...] = ("a", "b"), bound: int = 1_000) -> Built:
    """Return a logistic model that fails inside ONNX Runtime where the first column exceeds `bound`."""
    return failing_beyond(*logistic_model(columns), column=0, bound=bound)


def failing_beyond(model: bytes, signature: Signature, *, column: int, bound: int) -> Built:
    """Return a model of one FP32 input that now fails inside ONNX Runtime where a column exceeds `bound`.

    It passes every check, and answers as before for every other row: a zero is added to the features, looked up in a
    table by an index computed from the column. Values below -`bound` and missing ones fail, too.
    """
    (features,) = (tensor.name for tensor in signature.inputs)
    proto = onnx.ModelProto.FromString(model)
    for node in proto.graph.node:
        node.input[:] = ["guarded" if name == features else name for name in node.input]
    guard = [
        helper.make_node("Gather", [features, "guard_column"], ["guard_value"], name="guard_pick", axis=1),
        helper.make_node("Cast", ["guard_value"], ["guard_index"], name="guard_round", to=TensorProto.INT64),
        helper.make_node("Gather", ["guard_table", "guard_index"], ["guard_zero"], name="guard_look_up", axis=0),
        helper.make_node("Add", [features, "guard_zero"], ["guarded"], name="guard_add"),
    ]
    nodes = [*guard, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    table = np.zeros(bound + 1, dtype=np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(table, "guard_table"))
    proto.graph.initializer.append(numpy_helper.from_array(np.array([column], dtype=np.int64), "guard_column"))
    return bytes(proto.SerializeToString()), signature


def stalling_model(
    columns: tuple[str, ...] = ("a", "b"), bound: float = 1_000.0, *, iterations: int = 10**12
) -> Built:
    """Return a logistic model that computes for ages where the first column exceeds `bound`: Lambda times it out.

    It passes every check, and answers as any other for every other row: a zero is added to the features, which a loop
    of no iterations, or of as many as there are, has left as it was.
    """
    model, signature = logistic_model(columns)
    (features,) = (tensor.name for tensor in signature.inputs)
    proto = onnx.ModelProto.FromString(model)
    for node in proto.graph.node:
        node.input[:] = ["guarded" if name == features else name for name in node.input]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["go_on_still"], name="loop_on"),
            helper.make_node("Identity", ["zero_in"], ["zero_out"], name="loop_keep"),
        ],
        "loop",
        [
            helper.make_tensor_value_info("iteration", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("zero_in", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("go_on_still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("zero_out", TensorProto.FLOAT, []),
        ],
    )
    nodes = [
        helper.make_node("Gather", [features, "stall_column"], ["stall_values"], name="stall_pick", axis=1),
        helper.make_node("ReduceMax", ["stall_values"], ["stall_value"], name="stall_largest", keepdims=0),
        helper.make_node("Greater", ["stall_value", "stall_bound"], ["stalls"], name="stall_compare"),
        helper.make_node("Where", ["stalls", "stall_long", "stall_never"], ["stall_times"], name="stall_choose"),
        helper.make_node("Loop", ["stall_times", "", "stall_zero"], ["stalled"], name="stall", body=body),
        helper.make_node("Add", [features, "stalled"], ["guarded"], name="stall_add"),
        *proto.graph.node,
    ]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    constants: dict[str, npt.NDArray[np.generic]] = {
        "stall_column": np.array([0], dtype=np.int64),
        "stall_bound": np.array(bound, dtype=np.float32),
        "stall_long": np.array(iterations, dtype=np.int64),
        "stall_never": np.array(0, dtype=np.int64),
        "stall_zero": np.array(0, dtype=np.float32),
    }
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return bytes(proto.SerializeToString()), signature


def greedy_model(columns: tuple[str, ...] = ("a", "b")) -> Built:
    """Return a logistic model that fills two gigabytes of memory for each row, and adds nothing of them."""
    model, signature = logistic_model(columns)
    (features,) = (tensor.name for tensor in signature.inputs)
    proto = onnx.ModelProto.FromString(model)
    for node in proto.graph.node:
        node.input[:] = ["fed" if name == features else name for name in node.input]
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        helper.make_node("Shape", [features], ["greed_shape"], name="greed_look"),
        helper.make_node("Mul", ["greed_shape", "greed_times"], ["greed_size"], name="greed_grow"),
        helper.make_node("ConstantOfShape", ["greed_size"], ["greed_ones"], name="greed_fill", value=one),
        helper.make_node("ReduceMean", ["greed_ones"], ["greed_mean"], name="greed_mean_of", keepdims=0),
        helper.make_node("Mul", ["greed_mean", "greed_zero"], ["greed_nothing"], name="greed_forget"),
        helper.make_node("Add", [features, "greed_nothing"], ["fed"], name="greed_add"),
        *proto.graph.node,
    ]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    constants: dict[str, npt.NDArray[np.generic]] = {
        "greed_times": np.array([20_000, 12_500], dtype=np.int64),
        "greed_zero": np.array(0, dtype=np.float32),
    }
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return bytes(proto.SerializeToString()), signature


@cache
def custom_operator_model() -> Built:
    """Return a model with an operator of a domain of its own."""
    node = helper.make_node("Melt", ["features"], ["positive"], name="furnace", domain="com.example")
    return _built([node, *_both_classes()], [_one()], ("a",), domains=("com.example",))


@cache
def external_data_model(location: str = "../../etc/passwd") -> Built:
    """Return a model whose weights are said to lie in another file."""
    weights = numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "weights")
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    nodes = [helper.make_node("MatMul", ["features", "weights"], ["positive"]), *_both_classes()]
    return _built(nodes, [weights, _one()], ("a",))


@cache
def versioned_model(opset: int = 17, ml_opset: int = 3, ir_version: int = 8) -> Built:
    """Return a sound model that claims these versions."""
    model, signature = logistic_model()
    proto = onnx.ModelProto.FromString(model)
    proto.ir_version = ir_version
    del proto.opset_import[:]
    proto.opset_import.extend([helper.make_opsetid("", opset), helper.make_opsetid(_ONNX_ML, ml_opset)])
    return bytes(proto.SerializeToString()), signature


@cache
def zipmap_model() -> Built:
    """Return a model that gives its probabilities as a list of maps, as skl2onnx does unless it is told not to."""
    model, signature = logistic_model()
    proto = onnx.ModelProto.FromString(model)
    proto.graph.node.append(
        helper.make_node("ZipMap", ["probabilities"], ["zipped"], "zip", domain=_ONNX_ML, classlabels_int64s=[0, 1])
    )
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.INT64, _float_type()))
    del proto.graph.output[1]
    proto.graph.output.append(helper.make_value_info("zipped", maps))
    return bytes(proto.SerializeToString()), signature


def serialised(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto],
    inputs: Sequence[onnx.ValueInfoProto],
    domains: Sequence[str] = (),
) -> bytes:
    """Return the file of a graph that gives `label` and `probabilities`."""
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    graph = helper.make_graph(list(nodes), "graph", list(inputs), outputs, list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_ONNX_ML, 3)]
    opsets += [helper.make_opsetid(domain, 1) for domain in domains]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def _built(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto],
    columns: tuple[str, ...],
    domains: Sequence[str] = (),
) -> Built:
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(columns)])]
    signature = Signature((InputTensor("features", Datatype.FP32, columns),), _outputs(), Score("probabilities", 1))
    return serialised(nodes, initializers, inputs, domains), signature


def _outputs() -> tuple[OutputTensor, ...]:
    return (OutputTensor("label", Datatype.INT64, (-1,)), _PROBABILITIES)


def _both_classes() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Sub", ["one", "positive"], ["negative"], name="complement"),
        helper.make_node("Concat", ["negative", "positive"], ["probabilities"], name="join", axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], name="choose", axis=1, keepdims=0),
    ]


def _one() -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(1, dtype=np.float32), "one")


def _float_type() -> onnx.TypeProto:
    return helper.make_tensor_type_proto(TensorProto.FLOAT, [])
