"""The metrics of a model that predicts a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import NumericBins
from serinus.domain.gates import Finding
from serinus.domain.metric import Metric

Reals = npt.NDArray[np.float64]

_GROUPS = 10
_SCORE_BINS = 40
_TAILS = (0.05, 0.25, 0.5, 0.75, 0.95)
_LEAST_SPREAD = 1e-200  # of targets that differ: R² of predictions that FP32 holds stays finite, as records must


@dataclass(frozen=True, eq=False)
class RegressionAnswers:
    """Targets and predictions of the same rows, [rows] each; `held_out.Answers`."""

    labels: Reals
    predictions: Reals

    def measured(self, drawn: npt.NDArray[np.intp] | None = None) -> Mapping[Metric, float]:
        """Return every metric on the rows at these positions, or on all; nothing where all targets are the same.

        R² is 1 - Σ error² / Σ (target - mean target)². An error is the prediction less the target.

        >>> answers = RegressionAnswers(np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 5.0]))
        >>> {str(metric): round(value, 4) for metric, value in answers.measured().items()}
        {'rmse': 0.8165, 'mae': 0.6667, 'r2': 0.8571, 'median_absolute_error': 1.0, 'absolute_bias': 0.0}
        """
        (found,) = self.measured_each((np.arange(len(self.labels)) if drawn is None else drawn)[None])
        return found

    def measured_each(self, draws: npt.NDArray[np.intp]) -> Sequence[Mapping[Metric, float]]:
        """Return of each of many draws, [draws, rows], what `measured` does of one."""
        labels = self.labels[draws]
        if not labels.size:
            return [{} for _ in draws]
        errors = self.predictions[draws] - labels
        spread = np.sum((labels - labels.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
        squares, sizes = np.sum(errors**2, axis=-1), np.abs(errors)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of draws whose targets are all the same
            metrics = {
                Metric.RMSE: np.sqrt(squares / errors.shape[-1]),
                Metric.MAE: sizes.mean(axis=-1),
                Metric.R2: 1 - squares / spread,
                Metric.MEDIAN_ABSOLUTE_ERROR: np.median(sizes, axis=-1),
                Metric.ABSOLUTE_BIAS: np.abs(errors.mean(axis=-1)),
            }
        each = zip(*(values.tolist() for values in metrics.values()), strict=True)
        return [
            dict(zip(metrics, values, strict=True)) if varied else {}
            for varied, values in zip((spread > _LEAST_SPREAD).tolist(), each, strict=True)
        ]


def describe_errors(labels: Reals, predictions: Reals) -> Finding:
    """Tell how errors are distributed, and what the targets are where predictions are low, and where they are high.

    Nothing is judged by it. Its numbers hold the signed bias, quantiles of the errors, and, by tenths of the rows in
    the order of their predictions, the mean prediction and the mean target.
    """
    errors = predictions - labels
    quantiles = np.quantile(errors, _TAILS)
    bias = float(errors.mean())
    message = (
        f"predictions are {abs(bias):.4g} too {'high' if bias > 0 else 'low'} on average; nine errors of ten lie "
        f"between {quantiles[0]:+.4g} and {quantiles[-1]:+.4g}"
    )
    numbers = {"rows": float(len(errors)), "bias": bias}
    numbers |= {f"error_p{round(100 * tail):02}": float(value) for tail, value in zip(_TAILS, quantiles, strict=True)}
    for number, group in enumerate(np.array_split(np.argsort(predictions, kind="stable"), _GROUPS)):
        if len(group):
            numbers[f"predicted:{number}"] = float(predictions[group].mean())
            numbers[f"actual:{number}"] = float(labels[group].mean())
    return Finding("errors", passed=True, message=message, numbers=numbers)


def prediction_bins(predictions: Reals) -> NumericBins:
    """Return bins at the quantiles of predictions, so that each holds about the same share of them.

    >>> len(prediction_bins(np.arange(1_000.0)).edges)
    41
    """
    edges = np.unique(np.quantile(predictions, np.linspace(0, 1, _SCORE_BINS + 1)))
    return NumericBins("score", tuple(float(edge) for edge in edges))
