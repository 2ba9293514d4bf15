"""Model performance from counts: every metric of a binary classifier from one score bin × label table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins, Slots
from serinus.domain.metric import Metric

CALIBRATION_GROUPS = 10
SURE = 1e-6  # a chance is taken to be this far from 0 and 1 at least, or one row's log loss were infinite


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """How many negatives and positives fell into each score bin; both of shape [bins], mergeable by addition.

    Counted ones are whole numbers; expected ones, of rows whose labels are not known, are not.
    """

    edges: tuple[float, ...]
    negatives: Counts | npt.NDArray[np.float64]
    positives: Counts | npt.NDArray[np.float64]

    @property
    def rows(self) -> int:
        """How many labelled rows were counted."""
        return round(float(self.negatives.sum() + self.positives.sum()))

    @property
    def holds_chances(self) -> bool:
        """Whether scores are chances between 0 and 1: only then do a threshold and a log loss mean something."""
        return self.edges[0] >= 0 and self.edges[-1] <= 1

    @property
    def middles(self) -> npt.NDArray[np.float64]:
        """The middle of each bin, by which its rows are scored."""
        edges = np.asarray(self.edges)
        return np.asarray((edges[:-1] + edges[1:]) / 2 if len(edges) > 1 else edges, dtype=np.float64)

    def first_flagged(self, threshold: float) -> int:
        """Return the first bin that counts as flagged, the threshold rounded to the nearest lower edge of a bin."""
        return int(np.argmin(np.abs(np.asarray(self.edges[:-1]) - threshold)))

    def __add__(self, other: ScoreTable) -> ScoreTable:
        if self.edges != other.edges:
            raise ValueError("score tables with different edges do not add")
        return ScoreTable(self.edges, self.negatives + other.negatives, self.positives + other.positives)


def score_table(bins: NumericBins, scores: npt.NDArray[np.float64], labels: npt.NDArray[np.float64]) -> ScoreTable:
    """Count labelled scores. Labels are 0 or 1; both arrays have the shape [rows].

    A score beyond the bins, as live traffic may bring, counts into the outermost: its rank is right there. Rows
    without a score are not counted.
    """
    scored = ~np.isnan(scores)
    slots, classes = slots_of(bins, scores[scored]), labels[scored]
    negatives = np.bincount(slots[classes == 0], minlength=bins.inner_width).astype(np.int64)
    positives = np.bincount(slots[classes == 1], minlength=bins.inner_width).astype(np.int64)
    return ScoreTable(bins.edges, negatives, positives)


def slots_of(bins: NumericBins, scores: npt.NDArray[np.float64]) -> Slots:
    """Return which of a score table's bins each score counts into; none of the scores may be NaN."""
    return bins.slots(np.clip(scores, bins.edges[0], bins.edges[-1])) - NumericBins.SPECIAL


def measure(table: ScoreTable, threshold: float) -> dict[Metric, float]:
    """Return every metric that the table supports; one class alone, or scores that are no chances, have none.

    Precision, recall, F1 and accuracy are taken at `threshold`, rounded to the nearest lower edge of a bin.
    """
    positives, negatives = float(table.positives.sum()), float(table.negatives.sum())
    if positives == 0 or negatives == 0 or not table.holds_chances:
        return {}
    first = table.first_flagged(threshold)
    hits, alarms = float(table.positives[first:].sum()), float(table.negatives[first:].sum())
    return {
        Metric.ROC_AUC: roc_auc(table),
        Metric.AVERAGE_PRECISION: average_precision(table),
        Metric.PRECISION: hits / (hits + alarms) if hits + alarms else 0.0,
        Metric.RECALL: hits / positives,
        Metric.F1: 2 * hits / (hits + alarms + positives),
        Metric.ACCURACY: (hits + negatives - alarms) / (positives + negatives),
        Metric.LOG_LOSS: log_loss(table),
        Metric.EXPECTED_CALIBRATION_ERROR: expected_calibration_error(table),
    }


def roc_auc(table: ScoreTable) -> float:
    """Return the share of (positive, negative) pairs ranked rightly, ties in a bin counting half (Mann–Whitney).

    >>> edges = (0.0, 0.5, 1.0)
    >>> roc_auc(ScoreTable(edges, np.array([3, 1]), np.array([1, 3])))
    0.75
    """
    below = np.concatenate([[0], np.cumsum(table.negatives)[:-1]])
    pairs = float(np.sum(table.positives * (below + table.negatives / 2)))
    return pairs / (float(table.positives.sum()) * float(table.negatives.sum()))


def average_precision(table: ScoreTable) -> float:
    """Return the step-wise area under the precision–recall curve, one step a bin, as scikit-learn defines it.

    >>> round(average_precision(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([1, 3]))), 4)
    0.6875
    """
    hits = np.cumsum(table.positives[::-1])
    flagged = np.cumsum((table.positives + table.negatives)[::-1])
    precision = np.divide(hits, flagged, out=np.zeros(len(hits)), where=flagged > 0)
    return float(np.sum(precision * table.positives[::-1]) / table.positives.sum())


def log_loss(table: ScoreTable) -> float:
    """Return the mean negative log-likelihood in nats, each row scored by the middle of its bin.

    >>> round(log_loss(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([1, 3]))), 4)
    0.5623
    """
    chance = np.clip(table.middles, SURE, 1 - SURE)
    loss = -np.sum(table.positives * np.log(chance) + table.negatives * np.log1p(-chance))
    return float(loss / (table.positives.sum() + table.negatives.sum()))


def expected_calibration_error(table: ScoreTable) -> float:
    """Return how far scores are from the share of positives, on average over groups of about equally many rows.

    Neighbouring bins make `CALIBRATION_GROUPS` groups (Naeini et al. 2015, with groups of equal mass, which few rows
    mislead less); each row is scored by the middle of its bin. Even of a calibrated model it is above 0, the more the
    fewer rows there are: about 0.8 times the root of p (1 - p) over the rows of a group.

    Four rows scored 0.25 of which one is positive are right; four scored 0.75 of which all are, are wrong by 0.25:

    >>> expected_calibration_error(ScoreTable((0.0, 0.5, 1.0), np.array([3, 0]), np.array([1, 4])))
    0.125
    """
    rows, expected, positives = _calibration_groups(table)
    return float(np.abs(expected - positives).sum() / rows.sum())


@dataclass(frozen=True)
class CalibrationGroup:
    """Rows with about the same score: what share of them should be positive, and what share is."""

    rows: int
    mean_score: float
    positive_share: float


def calibration_curve(table: ScoreTable) -> tuple[CalibrationGroup, ...]:
    """Return the groups that `expected_calibration_error` is taken over, by rising score; empty ones are left out.

    >>> for group in calibration_curve(ScoreTable((0.0, 0.5, 1.0), np.array([3, 0]), np.array([1, 4]))):
    ...     print(group)
    CalibrationGroup(rows=4, mean_score=0.25, positive_share=0.25)
    CalibrationGroup(rows=4, mean_score=0.75, positive_share=1.0)
    """
    return tuple(
        CalibrationGroup(round(rows), expected / rows, positives / rows)
        for rows, expected, positives in zip(*(each.tolist() for each in _calibration_groups(table)), strict=True)
        if rows
    )


def _calibration_groups(table: ScoreTable) -> tuple[npt.NDArray[np.float64], ...]:
    """Return each group's rows, expected positives and positives, [groups]."""
    rows = table.positives + table.negatives
    middle_rank = (np.cumsum(rows) - rows / 2) / float(rows.sum())
    groups = np.minimum((middle_rank * CALIBRATION_GROUPS).astype(np.int64), CALIBRATION_GROUPS - 1)
    return tuple(
        np.asarray(np.bincount(groups, weights=each, minlength=CALIBRATION_GROUPS), dtype=np.float64)
        for each in (rows, rows * table.middles, table.positives)
    )
