"""Trees in the newer operator: the same answers, to the bit unless sums are transformed; or the model as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from serinus.adapters.onnx import encoding
from serinus.adapters.onnx.checker import faults
from serinus.adapters.onnx.describe import infer_signature
from serinus.adapters.onnx.encoding import cheaper_encoding, edge_rows
from serinus.adapters.onnx.reencode import alone, reencode
from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.onnx.tree_ensembles import Inexpressible
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.use_cases.ports.models import Encoding
from tests import models

Arrays = list[npt.NDArray[Any]]
_ML = "ai.onnx.ml"
_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
_COLUMNS = 3


def signature_of(model: bytes) -> Signature:
    """Return the signature of a model of one input, scored by its last output."""
    graph = onnx.ModelProto.FromString(model).graph
    columns = [f"c{position}" for position in range(graph.input[0].type.tensor_type.shape.dim[1].dim_value)]
    return infer_signature(model, columns, score_output=graph.output[-1].name)


def answers(model: bytes, rows: npt.NDArray[np.float32]) -> Arrays:
    """Return every output of the graph for these rows."""
    return list(PythonSession(model, signature_of(model)).run({"features": rows}).values())


def rows_for(model: bytes) -> npt.NDArray[np.float32]:
    """Return rows of what the model's trees could judge differently."""
    proto = onnx.ModelProto.FromString(model)
    (node,) = (node for node in proto.graph.node if node.domain == _ML)
    found = edge_rows({attribute.name: attribute for attribute in node.attribute})
    width = proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    return np.pad(found, ((0, 0), (0, width - found.shape[1])))


def tree_model(operator: str, fields: dict[str, Any], *, ml_opset: int = 3, opset: int | None = 17) -> bytes:
    """Return a model of one node of trees that takes `features`."""
    classifier = operator == "TreeEnsembleClassifier"
    names = ["label", "probabilities"] if classifier else ["sums"]
    node = helper.make_node(operator, ["features"], names, "trees", domain=_ML, **fields)
    label = TensorProto.STRING if "classlabels_strings" in fields else TensorProto.INT64
    kinds = [label, TensorProto.FLOAT] if classifier else [TensorProto.FLOAT]
    outputs = [
        helper.make_tensor_value_info(name, kind, [None] if name == "label" else [None, None])
        for name, kind in zip(names, kinds, strict=True)
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, _COLUMNS])]
    opsets = [helper.make_opsetid(_ML, ml_opset)] + ([helper.make_opsetid("", opset)] if opset else [])
    graph = helper.make_graph([node], "graph", inputs, outputs)
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


@st.composite
def ensembles(draw: st.DrawFn, *, votes: str, targets: int, per_leaf: bool, positive: bool = False) -> dict[str, Any]:
    """Return the fields of trees of any shape, whose nodes are named and ordered anyhow behind the root.

    Args:
        draw: by hypothesis.
        votes: `class` or `target`.
        targets: how many there are.
        per_leaf: whether every leaf votes for every target, or each tree for one.
        positive: whether no vote is negative.
    """
    thresholds = st.sampled_from([-1.5, -0.0, 0.0, 0.1, 1.0, 3e38, 1e-45]) | st.floats(width=32, allow_nan=False)
    weights = st.floats(0.0 if positive else -2.0, 2.0, width=32)
    mode = draw(st.sampled_from(_MODES))
    fields: dict[str, list[Any]] = {
        name: [] for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    }
    missing: list[int] = []
    voted: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    count = draw(st.integers(targets, targets + 3))
    for tree in range(count):
        inner = draw(st.integers(0, 6))
        names = draw(st.permutations(range(2 * inner + 1)))
        waiting, children = [0], {}
        made = 1
        for _ in range(inner):
            parent = waiting.pop(draw(st.integers(0, len(waiting) - 1)))
            children[parent] = (made, made + 1)
            waiting += [made, made + 1]
            made += 2
        for node in range(made):
            yes, no = children.get(node, (0, 0))
            leaf = node not in children
            fields["treeids"].append(tree)
            fields["nodeids"].append(names[node])
            fields["featureids"].append(0 if leaf else draw(st.integers(0, _COLUMNS - 1)))
            fields["modes"].append("LEAF" if leaf else draw(st.sampled_from([mode, mode, "BRANCH_LEQ"])))
            fields["values"].append(0.0 if leaf else draw(thresholds))
            fields["truenodeids"].append(0 if leaf else names[yes])
            fields["falsenodeids"].append(0 if leaf else names[no])
            missing.append(0 if leaf else draw(st.integers(0, 1)))
            for target in range(targets) if per_leaf else [tree % targets]:
                if leaf:
                    voted["treeids"].append(tree)
                    voted["nodeids"].append(names[node])
                    voted["ids"].append(target)
                    voted["weights"].append(draw(weights))
    found: dict[str, Any] = {f"nodes_{name}": values for name, values in fields.items()}
    if draw(st.booleans()):
        found["nodes_missing_value_tracks_true"] = missing
    return found | {f"{votes}_{name}": values for name, values in voted.items()}


PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PROPERTY
@given(
    st.data(),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from(["SUM", "AVERAGE", "MIN", "MAX"]),
    st.booleans(),
)
def test_sums_of_a_regressor_are_the_same_to_the_bit(
    data: st.DataObject, targets: int, per_leaf: bool, aggregate: str, base: bool
) -> None:
    """Whatever the comparisons, the missing values, the order of nodes and the base values; or it is left alone."""
    fields = data.draw(ensembles(votes="target", targets=targets, per_leaf=per_leaf))
    if base:
        fields["base_values"] = [0.25, -1.5, 3.0][:targets]
    model = tree_model("TreeEnsembleRegressor", {**fields, "n_targets": targets, "aggregate_function": aggregate})
    rows = rows_for(model)
    if aggregate != "SUM" and (base or (per_leaf and targets > 1)):
        with pytest.raises(Inexpressible, match="would be of other trees"):
            reencode(model)
        return
    encoded = reencode(model)
    assert faults(encoded, signature_of(model)) == []
    (before,), (after,) = answers(model, rows), answers(encoded, rows)
    np.testing.assert_array_equal(after, before)


@PROPERTY
@given(st.data(), st.booleans(), st.booleans(), st.sampled_from(["ints", "texts", "from zero"]))
def test_two_classes_of_one_sum_are_the_same(data: st.DataObject, positive: bool, base: bool, labels: str) -> None:
    """Forests vote with shares that sum to one, boosting with logits; labels are exact, whatever they are."""
    fields = data.draw(ensembles(votes="class", targets=1, per_leaf=True, positive=positive))
    named: dict[str, dict[str, Any]] = {
        "ints": {"classlabels_int64s": [7, -3]},
        "texts": {"classlabels_strings": ["no", "yes"]},
        "from zero": {"classlabels_int64s": [0, 1]},
    }
    transform = "NONE" if all(weight >= 0 for weight in fields["class_weights"]) else "LOGISTIC"
    extra: dict[str, Any] = {
        "post_transform": transform,
        **named[labels],
        **({"base_values": [0.125]} if base else {}),
    }
    model = tree_model("TreeEnsembleClassifier", fields | extra)
    rows = rows_for(model)
    (label, probabilities), (new_label, new_probabilities) = answers(model, rows), answers(reencode(model), rows)
    assert new_label.tolist() == label.tolist()
    np.testing.assert_allclose(new_probabilities, probabilities, rtol=0, atol=0 if transform == "NONE" else 2e-7)


@PROPERTY
@given(st.data(), st.booleans(), st.booleans(), st.sampled_from(["NONE", "SOFTMAX", "LOGISTIC"]))
def test_many_classes_are_the_same(data: st.DataObject, per_leaf: bool, base: bool, transform: str) -> None:
    """Whether each tree votes for one class, as in boosting, or each leaf for all, as in a forest."""
    fields = data.draw(ensembles(votes="class", targets=3, per_leaf=per_leaf))
    extra: dict[str, Any] = {"post_transform": transform, "classlabels_int64s": [10, 20, 30]}
    model = tree_model(
        "TreeEnsembleClassifier", fields | extra | ({"base_values": [0.5, -0.25, 0.0]} if base else {})
    )
    rows = rows_for(model)
    (label, probabilities), (new_label, new_probabilities) = answers(model, rows), answers(reencode(model), rows)
    assert new_label.tolist() == label.tolist()
    np.testing.assert_allclose(new_probabilities, probabilities, rtol=0, atol=0 if transform == "NONE" else 2e-7)


def stump(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any kind
    """Return the fields of one tree of one comparison, with some changed or, where `None`, left out."""
    fields = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, -1.0],
        "n_targets": 1,
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nodes_truenodeids": [2, 0, 0]}, "two parents or none"),
        ({"nodes_falsenodeids": [9, 0, 0]}, "is not there"),
        ({"nodes_nodeids": [0, 1, 1]}, "the same name"),
        ({"nodes_nodeids": [0, 1, -2]}, "negative names"),
        ({"nodes_treeids": [0, 1, 0]}, "do not stand together"),
        ({"nodes_modes": ["BRANCH_MEMBER", "LEAF", "LEAF"]}, "a node compares by"),
        ({"nodes_values": [0.5]}, "nodes_values has 1 values, not 3"),
        ({"target_nodeids": [1, 1]}, "some leaves vote for a target and others do not"),
        ({"target_nodeids": [1, 0]}, "some leaves vote for a target and others do not"),
        ({"n_targets": 2}, "targets for which no tree votes"),
        ({"post_transform": "LOGISTIC"}, "transforms its sums"),
        ({"base_values": [1.0, 2.0]}, "base values for some targets"),
    ],
)
def test_what_is_no_sound_forest_is_left_alone(changes: dict[str, Any], says: str) -> None:
    """It is not repaired, and not guessed at."""
    with pytest.raises(Inexpressible, match=says):
        reencode(tree_model("TreeEnsembleRegressor", stump(**changes)))


def test_double_thresholds_are_left_alone() -> None:
    """They would be rounded."""
    values = helper.make_tensor("v", TensorProto.DOUBLE, [3], [0.1, 0.0, 0.0])
    model = tree_model("TreeEnsembleRegressor", stump(nodes_values=None, nodes_values_as_tensor=values))
    with pytest.raises(Inexpressible, match="a precision of its own"):
        reencode(model)


def test_inputs_other_than_fp32_are_left_alone() -> None:
    """The newer operator compares thresholds with numbers of their own type."""
    proto = onnx.ModelProto.FromString(tree_model("TreeEnsembleRegressor", stump()))
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    with pytest.raises(Inexpressible, match="not FP32"):
        reencode(proto.SerializeToString())


@pytest.mark.parametrize("build", [models.logistic_model, models.mixed_model])
def test_a_model_without_trees_is_left_alone(build: Callable[[], models.Built]) -> None:
    """There is nothing to encode, and nothing to report."""
    model, signature = build()
    with pytest.raises(Inexpressible, match="no trees"):
        reencode(model)
    assert cheaper_encoding(model, signature, Table({})) is None


def test_nodes_around_the_trees_stay_and_the_opset_is_set() -> None:
    """A graph of trees among others is served in ai.onnx.ml 5, within what graph_rules.py takes."""
    model, signature = models.boosted_model(("a", "b", "c"))
    encoded = onnx.ModelProto.FromString(reencode(model))
    assert [node.op_type for node in encoded.graph.node] == ["TreeEnsemble", "Sigmoid", "Sub", "Concat", "ArgMax"]
    assert {opset.domain: opset.version for opset in encoded.opset_import} == {"": 17, _ML: 5}
    assert faults(encoded.SerializeToString(), signature) == []
    rows = np.array([[np.nan, 0.0, 1e-45], [-1.0, np.inf, -np.inf]], dtype=np.float32)
    before, after = (PythonSession(each, signature).run({"features": rows}) for each in (model, reencode(model)))
    np.testing.assert_array_equal(after["probabilities"], before["probabilities"])


def test_a_model_of_one_node_without_an_opset_gets_one() -> None:
    """XGBoost's export names none but ai.onnx.ml 1; the nodes that follow the trees need one."""
    fields = {name.replace("target_", "class_"): value for name, value in stump(n_targets=None).items()}
    model = tree_model(
        "TreeEnsembleClassifier",
        {**fields, "classlabels_int64s": [0, 1], "post_transform": "LOGISTIC"},
        ml_opset=1,
        opset=None,
    )
    encoded = reencode(model)
    assert faults(encoded, signature_of(encoded)) == []
    assert answers(encoded, rows_for(model))[0].tolist() == answers(model, rows_for(model))[0].tolist()


def forest(trees: int = 40, depth: int = 9) -> bytes:
    """Return a forest of full trees, large enough that the encoding matters."""
    draw = np.random.default_rng(7)
    inner, nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    node = np.arange(nodes)
    leaves = np.arange(inner, nodes)
    fields = {
        "nodes_treeids": np.repeat(np.arange(trees), nodes).tolist(),
        "nodes_nodeids": np.tile(node, trees).tolist(),
        "nodes_featureids": (draw.integers(0, _COLUMNS, nodes * trees) * np.tile(node < inner, trees)).tolist(),
        "nodes_modes": (["BRANCH_LEQ"] * inner + ["LEAF"] * (nodes - inner)) * trees,
        "nodes_values": draw.normal(size=nodes * trees).astype(np.float32).tolist(),
        "nodes_truenodeids": np.tile(np.where(node < inner, 2 * node + 1, 0), trees).tolist(),
        "nodes_falsenodeids": np.tile(np.where(node < inner, 2 * node + 2, 0), trees).tolist(),
        "class_treeids": np.repeat(np.arange(trees), leaves.size).tolist(),
        "class_nodeids": np.tile(leaves, trees).tolist(),
        "class_ids": [0] * (leaves.size * trees),
        "class_weights": (draw.random(leaves.size * trees) / trees).astype(np.float32).tolist(),
        "classlabels_int64s": [0, 1],
    }
    return tree_model("TreeEnsembleClassifier", fields)


def held_out(rows: int = 50) -> Table:
    """Return rows for models of three columns."""
    draw = np.random.default_rng(8)
    return Table({f"c{position}": draw.normal(size=rows) for position in range(_COLUMNS)})


def chosen(model: bytes) -> Encoding:
    """Return what is found of a model with trees."""
    found = cheaper_encoding(model, signature_of(model), held_out())
    assert found is not None
    return found


def test_a_large_forest_is_served_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session takes less CPU time, its file fewer bytes, and its answers are the same."""
    monkeypatch.setattr(encoding, "_session_seconds", lambda model, _: len(model) / 1e6)
    model = forest()
    found = chosen(model)
    assert found.model == reencode(model)
    assert found.numbers["bytes"] < 0.5 * found.numbers["uploaded_bytes"]
    assert found.numbers["difference"] == 0.0
    assert found.numbers["edge_rows"] > 1_000
    assert "operator TreeEnsemble" in found.message


def test_sessions_are_measured() -> None:
    """Making one takes CPU time, and the larger model more of it."""
    small, large = forest(2, 3), forest()
    seconds = [
        min(encoding._session_seconds(model, signature_of(model)) for _ in range(3)) for model in (small, large)
    ]
    assert 0 < seconds[0] < seconds[1]


@pytest.mark.parametrize("share", [0.95, 2.0])
def test_what_is_not_cheaper_is_served_as_uploaded(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """The figures are told all the same."""
    model = forest(4, 4)
    seconds = {len(model): 0.1}
    monkeypatch.setattr(encoding, "_session_seconds", lambda each, _: seconds.get(len(each), 0.1 * share))
    found = chosen(model)
    assert found.model is None
    assert found.numbers["session_seconds"] == pytest.approx(0.1 * share)
    assert f"that is cheaper ({share:.2f} ×" in found.message


@pytest.mark.parametrize(("spoil", "says"), [("splits", "thresholds"), ("weights", "held-out rows")])
def test_what_answers_otherwise_is_served_as_uploaded(monkeypatch: pytest.MonkeyPatch, spoil: str, says: str) -> None:
    """Be it a threshold that is one bit too high, or a weight that is wrong."""
    monkeypatch.setattr(encoding, "_session_seconds", lambda model, _: len(model) / 1e5)

    def spoilt(model: bytes) -> bytes:
        proto = onnx.ModelProto.FromString(reencode(model))
        (node,) = (node for node in proto.graph.node if node.op_type == "TreeEnsemble")
        (field,) = (each for each in node.attribute if each.name.endswith(f"_{spoil}"))
        values = onnx.numpy_helper.to_array(field.t).copy()
        values = np.nextafter(values, np.float32(np.inf)) if spoil == "splits" else values + np.float32(0.01)
        field.t.CopyFrom(onnx.numpy_helper.from_array(values, field.t.name))
        return bytes(proto.SerializeToString())

    monkeypatch.setattr(encoding, "reencode", spoilt)
    found = chosen(forest(10, 5))
    assert found.model is None
    assert "they answer otherwise" in found.message
    assert says in found.message


def test_a_node_can_be_asked_by_itself() -> None:
    """Whatever prepares its input, edges reach the trees."""
    model, _ = models.boosted_model(("a", "b"))
    proto = onnx.ModelProto.FromString(model)
    by_itself = onnx.ModelProto.FromString(alone(proto, proto.graph.node[0]))
    assert [node.op_type for node in by_itself.graph.node] == ["TreeEnsembleRegressor"]
    assert [output.name for output in by_itself.graph.output] == ["logit"]


def test_edges_hold_each_threshold_and_its_neighbours() -> None:
    """In float32, as it is compared."""
    model = onnx.ModelProto.FromString(tree_model("TreeEnsembleRegressor", stump()))
    rows = edge_rows({attribute.name: attribute for attribute in model.graph.node[0].attribute})
    half = np.float32(0.5)
    wanted = {half, np.nextafter(half, np.float32(0)), np.nextafter(half, np.float32(1)), np.inf, -np.inf}
    assert wanted <= set(rows[:, 0].tolist())
    assert np.isnan(rows).any()


def classifier_stump(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any kind
    """Return the fields of one tree of one comparison that votes for classes."""
    fields = {name.replace("target_", "class_"): value for name, value in stump(n_targets=None).items()}
    return fields | {"classlabels_int64s": [0, 1]} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"class_weights": [0.25, 0.75], "base_values": [-0.5]},
        {"class_weights": [0.5, 0.50000006]},
        {"class_weights": [-80.0, 0.0], "post_transform": "LOGISTIC"},
    ],
)
def test_odd_sums_of_two_classes_are_the_same(changes: dict[str, Any]) -> None:
    """A share below 0, a sum at the very border of the classes, a logit that saturates."""
    model = tree_model("TreeEnsembleClassifier", classifier_stump(**changes))
    rows = rows_for(model)
    for before, after in zip(answers(model, rows), answers(reencode(model), rows), strict=True):
        np.testing.assert_allclose(after.astype(np.float64), before.astype(np.float64), rtol=0, atol=2e-7)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"class_ids": [0, 1]}, "two classes with votes for either"),
        ({"class_ids": [1, 1]}, "two classes with votes for either"),
        ({"base_values": [0.5, 0.5]}, "two classes with votes for either"),
        ({"post_transform": "SOFTMAX"}, "two classes are transformed by b'SOFTMAX'"),
        ({"post_transform": "LOGISTIC", "class_weights": [0.5, 0.5]}, "two classes are transformed by b'LOGISTIC'"),
        ({"post_transform": "SOFTMAX", "class_weights": [0.5, 0.5]}, "two classes are transformed by b'SOFTMAX'"),
        ({"classlabels_int64s": [0, 1, 2], "post_transform": "PROBIT"}, "SOFTMAX_ZERO or PROBIT"),
        ({"classlabels_int64s": [0, 1, 2]}, "targets for which no tree votes"),
    ],
)
def test_classes_that_are_not_settled_are_left_alone(changes: dict[str, Any], says: str) -> None:
    """What ONNX Runtime gives there depends on its release."""
    with pytest.raises(Inexpressible, match=says):
        reencode(tree_model("TreeEnsembleClassifier", classifier_stump(**changes)))


def after_node(operator: str, ml_opset: int, **attributes: Any) -> bytes:  # noqa: ANN401 - an operator's own
    """Return a stump behind another node of ai.onnx.ml."""
    proto = onnx.ModelProto.FromString(tree_model("TreeEnsembleRegressor", stump(), ml_opset=ml_opset))
    proto.graph.node[0].input[0] = "prepared"
    before = helper.make_node(operator, ["features"], ["prepared"], "before", domain=_ML, **attributes)
    proto.graph.node.insert(0, before)
    return bytes(proto.SerializeToString())


@pytest.mark.parametrize(
    "model",
    [
        after_node("Scaler", 1, offset=[0.5], scale=[2.0]),
        after_node("LabelEncoder", 2, keys_floats=[1.0], values_floats=[0.0], default_float=3.0),
    ],
)
def test_trees_behind_other_nodes_are_encoded(model: bytes) -> None:
    """What their input holds is inferred."""
    rows = np.array([[0.5, 1.0, 0.75], [1.0, np.nan, 0.0]], dtype=np.float32)
    (before,), (after,) = answers(model, rows), answers(reencode(model), rows)
    np.testing.assert_array_equal(after, before)


def test_a_node_that_would_mean_something_else_keeps_the_model_as_it_is() -> None:
    """The first LabelEncoder knew one list of texts."""
    with pytest.raises(Inexpressible, match="LabelEncoder means something else"):
        reencode(after_node("LabelEncoder", 1, classes_strings=["a"]))


def test_graphs_inside_of_nodes_are_left_alone() -> None:
    """There may be trees in them."""
    proto = onnx.ModelProto.FromString(tree_model("TreeEnsembleRegressor", stump()))
    proto.graph.node.append(helper.make_node("If", ["condition"], ["x"], then_branch=onnx.GraphProto()))
    with pytest.raises(Inexpressible, match="graphs inside"):
        reencode(proto.SerializeToString())


def test_names_that_are_taken_are_not_taken_again() -> None:
    """A model that was made to look so stays as it is."""
    proto = onnx.ModelProto.FromString(
        tree_model("TreeEnsembleClassifier", classifier_stump(class_weights=[0.1, 0.9]))
    )
    proto.graph.node.append(helper.make_node("Identity", ["probabilities"], ["serinus_trees_0_sums"]))
    with pytest.raises(Inexpressible, match="names are taken"):
        reencode(proto.SerializeToString())
