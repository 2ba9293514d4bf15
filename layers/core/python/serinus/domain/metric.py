"""What held-out rows, estimates and late labels measure of a model, and the limits that gates set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.task import Task


class Metric(StrEnum):
    """What a metric gate measures on a held-out snapshot.

    All lie in [0, 1] but the log loss, which is in nats, and those of a regression: R² is at most 1, the others are
    in the target's units.
    """

    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"
    LOG_LOSS = "log_loss"
    EXPECTED_CALIBRATION_ERROR = "expected_calibration_error"
    MACRO_ROC_AUC = "macro_roc_auc"
    WEIGHTED_ROC_AUC = "weighted_roc_auc"
    MACRO_F1 = "macro_f1"
    BALANCED_ACCURACY = "balanced_accuracy"
    WORST_CLASS_RECALL = "worst_class_recall"
    TOP_LABEL_CALIBRATION_ERROR = "top_label_calibration_error"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"
    MEDIAN_ABSOLUTE_ERROR = "median_absolute_error"
    ABSOLUTE_BIAS = "absolute_bias"

    @property
    def tasks(self) -> frozenset[Task]:
        """Of which tasks it is a metric."""
        return frozenset(task for task, metrics in METRICS.items() if self in metrics)

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return self is not Metric.LOG_LOSS and Task.REGRESSION not in self.tasks

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric counts what is wrong."""
        return self in {
            Metric.LOG_LOSS,
            Metric.EXPECTED_CALIBRATION_ERROR,
            Metric.TOP_LABEL_CALIBRATION_ERROR,
            Metric.RMSE,
            Metric.MAE,
            Metric.MEDIAN_ABSOLUTE_ERROR,
            Metric.ABSOLUTE_BIAS,
        }

    @property
    def needs_labels(self) -> bool:
        """Whether scores alone tell nothing of it: an estimate without labels takes binary, calibrated scores."""
        return self is Metric.EXPECTED_CALIBRATION_ERROR or Task.BINARY not in self.tasks

    @property
    def is_inflated(self) -> bool:
        """Whether few rows make it look larger than it is, and resampling still more so: no slice is judged by it."""
        return self in {Metric.EXPECTED_CALIBRATION_ERROR, Metric.TOP_LABEL_CALIBRATION_ERROR}

    @property
    def tells_skill(self) -> bool:
        """Whether a model that says the same of every row, where positives are rare, fails by it."""
        return not self.is_inflated and self not in {Metric.ACCURACY, Metric.ABSOLUTE_BIAS}


METRICS: Mapping[Task, tuple[Metric, ...]] = {
    Task.BINARY: (
        Metric.ROC_AUC,
        Metric.AVERAGE_PRECISION,
        Metric.PRECISION,
        Metric.RECALL,
        Metric.F1,
        Metric.ACCURACY,
        Metric.LOG_LOSS,
        Metric.EXPECTED_CALIBRATION_ERROR,
    ),
    Task.MULTICLASS: (
        Metric.MACRO_ROC_AUC,
        Metric.WEIGHTED_ROC_AUC,
        Metric.LOG_LOSS,
        Metric.MACRO_F1,
        Metric.BALANCED_ACCURACY,
        Metric.WORST_CLASS_RECALL,
        Metric.ACCURACY,
        Metric.TOP_LABEL_CALIBRATION_ERROR,
    ),
    Task.REGRESSION: (
        Metric.RMSE,
        Metric.MAE,
        Metric.R2,
        Metric.MEDIAN_ABSOLUTE_ERROR,
        Metric.ABSOLUTE_BIAS,
    ),
}

_OF_EVERY_CLASS = frozenset({Metric.MACRO_ROC_AUC, Metric.WEIGHTED_ROC_AUC, Metric.LOG_LOSS})


def told_by_labels(task: Task) -> tuple[Metric, ...]:
    """Return which of a task's metrics labels tell that come late.

    Of a multi-class answer the log carries the class and the confidence in it alone. What takes the chance of every
    class cannot be measured of it: the areas, and the log loss.

    >>> [str(metric) for metric in told_by_labels(Task.MULTICLASS)][:2]
    ['macro_f1', 'balanced_accuracy']
    """
    untold = _OF_EVERY_CLASS if task is Task.MULTICLASS else frozenset[Metric]()
    return tuple(metric for metric in METRICS[task] if metric not in untold)


@dataclass(frozen=True)
class MetricGate:
    """A held-out metric must lie within [minimum, maximum].

    Attributes:
        worse_than_stable_by: how much worse than the stable model the candidate may be, on the same held-out rows;
            `None` where that is told and not judged.
    """

    metric: Metric
    minimum: float | None = None
    maximum: float | None = None
    worse_than_stable_by: float | None = None
