"""The truth about predictions that are no binary score: numbers, and classes with the confidence in them."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import assert_never

import numpy as np
import numpy.typing as npt

from serinus.domain.held_out import FEWEST_ROWS, Answers, BinaryAnswers
from serinus.domain.metric import Metric
from serinus.domain.multiclass import Decisions
from serinus.domain.performance_estimate import Estimate
from serinus.domain.regression import RegressionAnswers
from serinus.domain.task import Target, Task

Reals = npt.NDArray[np.float64]

_DRAWS = 400


def logged_answers(target: Target, scores: Reals, labels: Reals, threshold: float) -> Answers:
    """Return what the log and the labels tell: of a multi-class task, decisions and the confidence in them.

    Args:
        target: what is predicted.
        scores: as the log carries them, [rows].
        labels: 0 or 1, positions of classes, or numbers, [rows].
        threshold: where a binary score's decisions are taken.
    """
    match target.task:
        case Task.BINARY:
            return BinaryAnswers.of(scores, labels, threshold)
        case Task.MULTICLASS:
            return Decisions.of(labels, scores, len(target.classes))
        case Task.REGRESSION:
            return RegressionAnswers(labels, scores)
        case unreachable:
            assert_never(unreachable)


def marks_of(target: Target, scores: Reals, labels: Reals) -> Reals:
    """Return a 0 or 1 for each row that bursts of alike rows share: what is true, or how right the answer was.

    Of a binary task the label; of a multi-class task whether the class is right; of a regression whether the error is
    among the larger half.

    >>> marks_of(Target(Task.REGRESSION), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 9.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    match target.task:
        case Task.BINARY:
            return labels
        case Task.MULTICLASS:
            return np.asarray(np.floor(scores) == labels, dtype=np.float64)
        case Task.REGRESSION:
            sizes = np.abs(scores - labels)
            return np.asarray(sizes > (np.median(sizes) if sizes.size else 0.0), dtype=np.float64)
        case unreachable:
            assert_never(unreachable)


def estimates_of(
    answers: Answers, rows: int, *, confidence: float, design_effect: float = 1.0
) -> Mapping[Metric, Estimate]:
    """Return every metric of labelled rows with its interval; nothing where there are too few rows.

    The interval is the normal one, by the standard deviation of the metric on rows drawn with replacement, as many as
    tell something on their own.

    >>> answers = RegressionAnswers(np.arange(100.0), np.arange(100.0) + np.tile([1.0, -1.0], 50))
    >>> bias = estimates_of(answers, 100, confidence=0.95)[Metric.ABSOLUTE_BIAS]
    >>> bias.value, bias.low, 0.1 < bias.high < 0.3
    (0.0, 0.0, True)
    """
    values = answers.measured() if rows >= FEWEST_ROWS else {}
    if not values:
        return {}
    chance, most = np.random.default_rng(0), max(round(rows / design_effect), 2)
    drawn = [found for found in (answers.measured(chance.integers(0, rows, most)) for _ in range(_DRAWS)) if found]
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    estimates: dict[Metric, Estimate] = {}
    for metric, value in values.items():
        margin = quantile * float(np.std([found[metric] for found in drawn])) if drawn else float("inf")
        low = value - margin if metric is Metric.R2 else max(value - margin, 0.0)
        high = min(value + margin, 1.0) if metric.is_share or metric is Metric.R2 else value + margin
        estimates[metric] = Estimate(value, low, high)
    return estimates
