"""Writes a model's trees as `TreeEnsemble` of ai.onnx.ml 5, which makes the file smaller and its session cheaper.

What ONNX Runtime makes of the older operators is written out in ordinary ones: the sums come from `TreeEnsemble`,
probabilities and labels from nodes that follow it. Where it is not certain what the older operator gives, nothing is
changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx.defs
from onnx import TensorProto, helper, numpy_helper

from serinus.adapters.onnx.reading import parse
from serinus.adapters.onnx.tree_ensemble_node import write
from serinus.adapters.onnx.tree_ensembles import AGGREGATES, Ensemble, Inexpressible, ints, read

TREES = frozenset({"TreeEnsembleClassifier", "TreeEnsembleRegressor"})

_ML = "ai.onnx.ml"
_ML_OPSET = 5
_OPSET = 18  # of ai.onnx, where a model has no node of it
_IR_VERSION = 10  # the first with ai.onnx.ml 5
# A later version takes all that an earlier one takes, and means the same by it.
_COMPATIBLE = {("LabelEncoder", 2)}

Attributes = Mapping[str, onnx.AttributeProto]


def has_trees(model: onnx.ModelProto) -> bool:
    """Whether there is anything to re-encode."""
    return any(node.op_type in TREES and node.domain == _ML for node in model.graph.node)


def reencode(model: bytes) -> bytes:
    """Return the model with its tree ensembles in the newer operator.

    Raises:
        Inexpressible: it has none, or one that cannot be written so.
        ModelRefused: it is no ONNX.
    """
    proto = parse(model)
    if not has_trees(proto):
        raise Inexpressible("the model has no trees of ai.onnx.ml 3 or before")
    _refuse_other_changes(proto)
    floats = _FloatTensors(proto)
    nodes: list[onnx.NodeProto] = []
    for position, node in enumerate(proto.graph.node):
        if node.op_type in TREES and node.domain == _ML:
            if node.input[0] not in floats:
                raise Inexpressible("the trees compare numbers that are not FP32")
            nodes.extend(_Replacement(node, f"serinus_trees_{position}").nodes(proto.graph))
        else:
            nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    _set_versions(proto)
    return bytes(proto.SerializeToString(deterministic=True))


def alone(model: onnx.ModelProto, node: onnx.NodeProto) -> bytes:
    """Return a model of one of its nodes alone, which takes `features`, FP32, [rows, columns]."""
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    copied.input[0] = "features"
    texts = any(attribute.name == "classlabels_strings" and attribute.strings for attribute in node.attribute)
    label = helper.make_tensor_value_info("", TensorProto.STRING if texts else TensorProto.INT64, [None])
    numbers = helper.make_tensor_value_info("", TensorProto.FLOAT, [None, None])
    outputs = []
    for name, kind in zip(node.output, [label, numbers][-len(node.output) :], strict=True):
        declared = onnx.ValueInfoProto()
        declared.CopyFrom(kind)
        declared.name = name
        outputs.append(declared)
    taken = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, None])
    graph = helper.make_graph([copied], "alone", [taken], [output for output in outputs if output.name])
    made = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    return bytes(made.SerializeToString())


class _Replacement:
    """What stands in for one node."""

    def __init__(self, node: onnx.NodeProto, prefix: str) -> None:
        self._node = node
        self._prefix = prefix
        self._attributes: Attributes = {attribute.name: attribute for attribute in node.attribute}
        self._made: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def nodes(self, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
        """Return the nodes; the constants they use are added to the graph."""
        classifier = self._node.op_type == "TreeEnsembleClassifier"
        trees = read(self._attributes, "class" if classifier else "target")
        if classifier:
            self._classify(trees)
        else:
            self._regress(trees)
        taken = {name for node in graph.node for name in node.output} | {tensor.name for tensor in graph.initializer}
        if any(name.startswith(self._prefix) for name in taken):
            raise Inexpressible("its names are taken")
        graph.initializer.extend(self._constants)
        return self._made

    def _regress(self, trees: Ensemble) -> None:
        targets = self._attributes["n_targets"].i if "n_targets" in self._attributes else 1
        aggregate = AGGREGATES.get(self._text("aggregate_function", b"SUM"))
        if self._text("post_transform", b"NONE") != b"NONE" or aggregate is None:
            raise Inexpressible("a regressor transforms its sums")
        if trees.base_values.size not in {0, targets}:
            raise Inexpressible("there are base values for some targets only")
        self._trees(trees, self._node.output[0], targets=targets, aggregate=aggregate)

    def _classify(self, trees: Ensemble) -> None:
        labels = self._labels()
        if len(labels) == 2 and set(trees.vote_target.tolist()) == {0} and trees.base_values.size <= 1:
            judged = self._of_two(trees)
        elif len(labels) > 2 and trees.base_values.size in {0, len(labels)}:
            judged = self._of_many(trees, len(labels))
        else:
            raise Inexpressible("what two classes with votes for either give is not settled")
        self._label(labels, judged, self._node.output[0])

    def _of_two(self, trees: Ensemble) -> str:
        """Write out one sum s for two classes: where no weight is negative, 1 - s and s; else a logistic function."""
        shares = bool(np.all(trees.vote_weight >= 0))
        transform = self._text("post_transform", b"NONE")
        if transform != (b"NONE" if shares else b"LOGISTIC"):
            raise Inexpressible(f"two classes are transformed by {transform!r}, which is not settled of such sums")
        sums = self._trees(trees, self._name("sums"), targets=1)
        probabilities: str = self._node.output[1]
        if shares:
            signs = self._constant("signs", np.array([[-1, 1]], dtype=np.float32))
            offset = self._constant("offset", np.array([1, 0], dtype=np.float32))
            self._add("Gemm", [sums, signs, offset], probabilities)
            return probabilities
        signs = self._constant("signs", np.array([-1, 1], dtype=np.float32))
        both = self._add("Mul", [sums, signs], self._name("both"))
        self._add("Sigmoid", [both], probabilities)
        return both

    def _of_many(self, trees: Ensemble, classes: int) -> str:
        follow = {b"NONE": "", b"SOFTMAX": "Softmax", b"LOGISTIC": "Sigmoid"}
        operator = follow.get(self._text("post_transform", b"NONE"))
        if operator is None:
            raise Inexpressible("classes are transformed by SOFTMAX_ZERO or PROBIT")
        if not operator:
            return self._trees(trees, self._node.output[1], targets=classes)
        sums = self._trees(trees, self._name("sums"), targets=classes)
        axis = {"axis": 1} if operator == "Softmax" else {}
        self._add(operator, [sums], self._node.output[1], **axis)
        return sums

    def _label(self, labels: npt.NDArray[np.generic], judged: str, output: str) -> None:
        """Name the greatest, and the first of equals; judged by the sums, which do not round to the same."""
        if labels.dtype.kind == "i" and np.array_equal(labels, np.arange(len(labels))):
            self._add("ArgMax", [judged], output, axis=1, keepdims=0)
            return
        best = self._add("ArgMax", [judged], self._name("best"), axis=1, keepdims=0)
        self._add("Gather", [self._constant("labels", labels), best], output, axis=0)

    def _labels(self) -> npt.NDArray[np.generic]:
        texts = self._attributes["classlabels_strings"].strings if "classlabels_strings" in self._attributes else []
        return np.array(list(texts), dtype=object) if texts else ints(self._attributes, "classlabels_int64s")

    def _trees(self, trees: Ensemble, output: str, *, targets: int, aggregate: int = 1) -> str:
        name = self._node.name or self._name("node")
        node = write(trees, self._node.input[0], output, name=name, targets=targets, aggregate=aggregate)
        self._made.append(node)
        return output

    def _add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - whatever the operator takes
        name = self._name(f"{operator.lower()}_{len(self._made)}")
        self._made.append(helper.make_node(operator, inputs, [output], name=name, **attributes))
        return output

    def _constant(self, name: str, values: npt.NDArray[np.generic]) -> str:
        self._constants.append(numpy_helper.from_array(values, self._name(name)))
        return self._name(name)

    def _name(self, name: str) -> str:
        return f"{self._prefix}_{name}"

    def _text(self, name: str, default: bytes) -> bytes:
        return self._attributes[name].s if name in self._attributes else default


class _FloatTensors:
    """Tells which tensors hold FP32, by what operators are declared to give.

    ONNX's own inference of types knows few operators of ai.onnx.ml, such as prepare what trees take.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._versions = {opset.domain: opset.version for opset in model.opset_import}
        self._kinds = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
        self._kinds |= {tensor.name: tensor.data_type for tensor in model.graph.initializer}
        for node in model.graph.node:
            self._learn(node)

    def __contains__(self, name: str) -> bool:
        return self._kinds.get(name) == TensorProto.FLOAT

    def _learn(self, node: onnx.NodeProto) -> None:
        """Note what a node gives: what it casts to, the one type it can give, or the type that it takes there."""
        to = next((attribute.i for attribute in node.attribute if attribute.name == "to"), None)
        if node.op_type == "Cast" and to is not None:
            self._kinds[node.output[0]] = to
            return
        if any(attribute.name == "values_floats" for attribute in node.attribute):  # a LabelEncoder's
            self._kinds[node.output[0]] = TensorProto.FLOAT
            return
        schema = onnx.defs.get_schema(node.op_type, self._versions.get(node.domain, 1), node.domain)
        taken = {formal.type_str: name for formal, name in zip(schema.inputs, node.input, strict=False)}
        allowed = {kind.type_param_str: list(kind.allowed_type_strs) for kind in schema.type_constraints}
        for formal, name in zip(schema.outputs, node.output, strict=False):
            if allowed.get(formal.type_str, [formal.type_str]) == ["tensor(float)"]:
                self._kinds[name] = TensorProto.FLOAT
            elif formal.type_str in taken:
                self._kinds[name] = self._kinds.get(taken[formal.type_str], TensorProto.UNDEFINED)


def _refuse_other_changes(model: onnx.ModelProto) -> None:
    """Refuse models in which ai.onnx.ml 5 would mean something else by another node, or has trees out of sight."""
    version = max((opset.version for opset in model.opset_import if opset.domain == _ML), default=1)
    for node in model.graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise Inexpressible("it has graphs inside of nodes")
        if node.domain == _ML and node.op_type not in TREES:
            meant = onnx.defs.get_schema(node.op_type, version, _ML).since_version
            becomes = onnx.defs.get_schema(node.op_type, _ML_OPSET, _ML).since_version
            if meant != becomes and (node.op_type, meant) not in _COMPATIBLE:
                raise Inexpressible(f"{node.op_type} means something else in ai.onnx.ml {_ML_OPSET}")


def _set_versions(model: onnx.ModelProto) -> None:
    others = [opset for opset in model.opset_import if opset.domain != _ML]
    if not any(opset.domain in {"", "ai.onnx"} for opset in others):
        others.append(helper.make_opsetid("", _OPSET))
    kept = [helper.make_opsetid(opset.domain, opset.version) for opset in others]
    del model.opset_import[:]
    model.opset_import.extend([*kept, helper.make_opsetid(_ML, _ML_OPSET)])
    model.ir_version = max(model.ir_version, _IR_VERSION)
