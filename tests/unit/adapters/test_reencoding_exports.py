"""The trees that exporters write, each converted here, encoded anew, and asked the same."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from serinus.adapters.onnx.encoding import edge_rows
from serinus.adapters.onnx.reading import parse
from serinus.adapters.onnx.reencode import TREES, reencode

Rows = npt.NDArray[np.float32]
_COLUMNS = 5


def data(classes: int) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Return rows, a tenth of them with a missing value, and their classes."""
    draw = np.random.default_rng(classes)
    rows = draw.normal(size=(400, _COLUMNS)).astype(np.float32)
    labels = np.digitize(rows[:, 0] + rows[:, 1] * rows[:, 2], np.linspace(-0.5, 0.5, classes - 1))
    return rows, labels.astype(np.int64)


def by_scikit_learn(name: str, classes: int, **settings: Any) -> bytes:  # noqa: ANN401 - an estimator's own
    """Return what skl2onnx makes of an estimator of scikit-learn."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    estimator = getattr(importlib.import_module("sklearn.ensemble"), name)(random_state=1, **settings)
    rows, labels = data(max(classes, 2))
    estimator.fit(rows, labels if classes else rows[:, 0])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*got a boolean", category=DeprecationWarning)
        made = skl2onnx.to_onnx(
            estimator,
            initial_types=[("features", FloatTensorType([None, _COLUMNS]))],
            target_opset={"": 18, "ai.onnx.ml": 3},
            options={id(estimator): {"zipmap": False}} if classes else None,
        )
    return bytes(made.SerializeToString())


def by_onnxmltools(package: str, name: str, classes: int) -> bytes:
    """Return what onnxmltools makes of an estimator of another library."""
    import onnxmltools

    library = importlib.import_module(package)
    tensor = importlib.import_module("onnxmltools.convert.common.data_types").FloatTensorType

    rows, labels = data(max(classes, 2))
    holes = np.where(np.random.default_rng(0).random(rows.shape) < 0.1, np.nan, rows)
    quiet: dict[str, Any] = {"verbose": -1} if package == "lightgbm" else {}
    estimator = getattr(library, name)(n_estimators=5, n_jobs=1, **quiet)
    estimator.fit(holes, labels if classes else rows[:, 0])
    options: dict[str, Any] = {"zipmap": False} if package == "lightgbm" else {}
    convert = getattr(onnxmltools, f"convert_{package}")
    made = convert(estimator, initial_types=[("features", tensor([None, _COLUMNS]))], target_opset=15, **options)
    return bytes(made.SerializeToString())


EXPORTS: dict[str, Callable[[], bytes]] = {
    "histogram boosting": lambda: by_scikit_learn("HistGradientBoostingClassifier", 2, max_iter=5),
    "histogram boosting, 3 classes": lambda: by_scikit_learn("HistGradientBoostingClassifier", 3, max_iter=5),
    "histogram boosting, numbers": lambda: by_scikit_learn("HistGradientBoostingRegressor", 0, max_iter=5),
    "forest": lambda: by_scikit_learn("RandomForestClassifier", 2, n_estimators=5),
    "forest, 3 classes": lambda: by_scikit_learn("RandomForestClassifier", 3, n_estimators=5),
    "forest, numbers": lambda: by_scikit_learn("RandomForestRegressor", 0, n_estimators=5),
    "boosting": lambda: by_scikit_learn("GradientBoostingClassifier", 2, n_estimators=5),
    "boosting, 3 classes": lambda: by_scikit_learn("GradientBoostingClassifier", 3, n_estimators=5),
    "boosting, numbers": lambda: by_scikit_learn("GradientBoostingRegressor", 0, n_estimators=5),
    "xgboost": lambda: by_onnxmltools("xgboost", "XGBClassifier", 2),
    "xgboost, 3 classes": lambda: by_onnxmltools("xgboost", "XGBClassifier", 3),
    "xgboost, numbers": lambda: by_onnxmltools("xgboost", "XGBRegressor", 0),
    "lightgbm": lambda: by_onnxmltools("lightgbm", "LGBMClassifier", 2),
    "lightgbm, 3 classes": lambda: by_onnxmltools("lightgbm", "LGBMClassifier", 3),
    "lightgbm, numbers": lambda: by_onnxmltools("lightgbm", "LGBMRegressor", 0),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_an_exporters_trees_answer_the_same(export: str) -> None:
    """On ordinary rows, at every threshold, and with missing and infinite values; labels exactly."""
    model = EXPORTS[export]()
    (trees,) = (node for node in parse(model).graph.node if node.op_type in TREES)
    edges = edge_rows({attribute.name: attribute for attribute in trees.attribute})
    rows = np.concatenate([data(2)[0], np.pad(edges, ((0, 0), (0, _COLUMNS - edges.shape[1])))])
    before, after = (
        onnxruntime.InferenceSession(each, providers=["CPUExecutionProvider"]).run(None, {"features": rows})
        for each in (model, reencode(model))
    )
    for one, other in zip(before, after, strict=True):
        if one.dtype.kind == "f":
            np.testing.assert_allclose(other, one, rtol=0, atol=5e-7)
        else:
            assert one.tolist() == other.tolist()
