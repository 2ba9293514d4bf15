"""The model and the rows that every way of serving is measured with: 30 features, a logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from serinus.adapters.training.convert import to_onnx
from serinus.domain.signature import Signature
from serinus.domain.table import Table

FEATURES = tuple(f"feature_{at:02}" for at in range(30))
_TRAINING_ROWS = 2_000


@dataclass(frozen=True)
class Served:
    """One model, as scikit-learn trained it and as it is served.

    Attributes:
        estimator: a fitted classifier of two classes.
        onnx: the same, exported: outputs `label` (INT64) and `probabilities` (FP32, [rows, 2]).
        signature: its one input takes all features.
    """

    estimator: Any
    onnx: bytes
    signature: Signature


@cache
def served_model() -> Served:
    """Train the model; the same each time."""
    features = rows(_TRAINING_ROWS, seed=1)
    weights = np.linspace(-1.0, 1.0, len(FEATURES))
    noise = np.random.default_rng(2).normal(size=_TRAINING_ROWS)
    estimator = LogisticRegression(max_iter=1_000).fit(features, (features @ weights + noise > 0).astype(np.int64))
    table = Table({name: features[:10, at] for at, name in enumerate(FEATURES)})
    onnx, signature = to_onnx(estimator, table)
    return Served(estimator, onnx, signature)


def rows(count: int, *, seed: int = 0) -> npt.NDArray[np.float64]:
    """Return standard normal values of the shape [count, 30], with four decimals, as callers write them in JSON."""
    return np.random.default_rng(seed).normal(size=(count, len(FEATURES))).round(4)
