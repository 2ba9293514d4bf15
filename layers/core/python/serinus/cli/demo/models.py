"""The three models that people push; the fourth one Serinus trains itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from serinus.adapters.training.convert import to_onnx
from serinus.cli.demo.market import FIRST_QUARTER, Market

_TRAINED_ON = 8_500  # rows of the first quarter; the rest of it is held out
_STEPS_OF_DEMAND = 100


def held_out(market: Market) -> slice:
    """Return the rows that the first two models are validated on."""
    return slice(_TRAINED_ON, min(FIRST_QUARTER, market.features.rows))


def first_model(market: Market) -> ClassifierMixin:
    """Fit a modest start: a decision tree with two questions."""
    return _fitted(DecisionTreeClassifier(max_depth=2, random_state=0), market)


def second_model(market: Market) -> ClassifierMixin:
    """Fit a better one: gradient boosting on the same rows."""
    return _fitted(HistGradientBoostingClassifier(max_iter=60, random_state=0), market)


def night_rows(market: Market) -> npt.NDArray[np.intp]:
    """Return the held-out rows before seven in the morning, when demand is low."""
    rows = np.arange(_TRAINED_ON, FIRST_QUARTER)
    return rows[market.features.columns["period"][rows] < 7 / 24]


def third_model(market: Market) -> bytes:
    """Return a model with a fault that its author's own test data cannot show, as ONNX.

    A logistic regression whose author added a correction per step of demand, in a table as long as the demand seen in
    a test on night rows alone. Higher demand looks beyond the table's end, and ONNX Runtime answers with an error.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    onnx_bytes, _ = to_onnx(_fitted(LogisticRegression(max_iter=1_000), market), market.features.slice(0, 10))
    model = onnx.load_from_string(onnx_bytes)
    graph = model.graph
    demand = market.features.columns["nswdemand"][night_rows(market)]
    length = int(float(np.max(demand)) * _STEPS_OF_DEMAND) + 1
    score = next(output for output in graph.output if "prob" in output.name)
    inner = f"{score.name}_uncorrected"
    for node in graph.node:
        node.output[:] = [inner if name == score.name else name for name in node.output]
    position = list(market.features.columns).index("nswdemand")
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([position], dtype=np.int64), "demand_column"),
            numpy_helper.from_array(np.array([_STEPS_OF_DEMAND], dtype=np.float32), "steps_of_demand"),
            numpy_helper.from_array(np.zeros((length, 1), dtype=np.float32), "correction_by_demand"),
            numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Gather", [graph.input[0].name, "demand_column"], ["demand"], axis=1),
            helper.make_node("Mul", ["demand", "steps_of_demand"], ["scaled_demand"]),
            helper.make_node("Reshape", ["scaled_demand", "flat"], ["demand_of_row"]),
            helper.make_node("Cast", ["demand_of_row"], ["demand_step"], to=TensorProto.INT64),
            helper.make_node("Gather", ["correction_by_demand", "demand_step"], ["correction"], axis=0),
            helper.make_node("Add", [inner, "correction"], [score.name]),
        ]
    )
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _fitted(estimator: ClassifierMixin, market: Market) -> ClassifierMixin:
    features = np.column_stack(list(market.features.slice(0, _TRAINED_ON).columns.values()))
    return estimator.fit(features, market.labels[:_TRAINED_ON])
