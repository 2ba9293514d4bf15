"""Model performance from counts: every metric of a binary classifier from one score bin × label table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins, Slots
from serinus.domain.metric import Metric

Reals = npt.NDArray[np.float64]

CALIBRATION_GROUPS = 10
SURE = 1e-6  # a chance is taken to be this far from 0 and 1 at least, or one row's log loss were infinite


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """How many negatives and positives fell into each score bin; both of shape [bins], mergeable by addition.

    Counted ones are whole numbers; expected ones, of rows whose labels are not known, are not. Many tables of
    the same edges are measured at once as one of shape [tables, bins].
    """

    edges: tuple[float, ...]
    negatives: Counts | Reals
    positives: Counts | Reals

    @property
    def rows(self) -> int:
        """How many labelled rows were counted."""
        return round(float(self.negatives.sum() + self.positives.sum()))

    @property
    def holds_chances(self) -> bool:
        """Whether scores are chances between 0 and 1: only then do a threshold and a log loss mean something."""
        return self.edges[0] >= 0 and self.edges[-1] <= 1

    @cached_property
    def middles(self) -> Reals:
        """The middle of each bin, by which its rows are scored."""
        edges = self._edges
        return (edges[:-1] + edges[1:]) / 2 if len(edges) > 1 else edges

    def first_flagged(self, threshold: float) -> int:
        """Return the first bin that counts as flagged, the threshold rounded to the nearest lower edge of a bin."""
        return int(np.argmin(np.abs(self._edges[:-1] - threshold)))

    @cached_property
    def _edges(self) -> Reals:
        return np.asarray(self.edges, dtype=np.float64)

    def __add__(self, other: ScoreTable) -> ScoreTable:
        if self.edges != other.edges:
            raise ValueError("score tables with different edges do not add")
        return ScoreTable(self.edges, self.negatives + other.negatives, self.positives + other.positives)


def score_table(bins: NumericBins, scores: Reals, labels: Reals) -> ScoreTable:
    """Count labelled scores. Labels are 0 or 1; both arrays have the shape [rows].

    A score beyond the bins, as live traffic may bring, counts into the outermost: its rank is right there. Rows
    without a score are not counted.
    """
    scored = ~np.isnan(scores)
    slots, classes = slots_of(bins, scores[scored]), labels[scored]
    negatives = np.bincount(slots[classes == 0], minlength=bins.inner_width).astype(np.int64)
    positives = np.bincount(slots[classes == 1], minlength=bins.inner_width).astype(np.int64)
    return ScoreTable(bins.edges, negatives, positives)


def slots_of(bins: NumericBins, scores: Reals) -> Slots:
    """Return which of a score table's bins each score counts into; none of the scores may be NaN."""
    return bins.slots(np.clip(scores, bins.edges[0], bins.edges[-1])) - NumericBins.SPECIAL


def measure(table: ScoreTable, threshold: float) -> dict[Metric, float]:
    """Return every metric that the table supports; one class alone, or scores that are no chances, have none.

    Precision, recall, F1 and accuracy are taken at `threshold`, rounded to the nearest lower edge of a bin.
    """
    (found,) = measure_each(ScoreTable(table.edges, table.negatives[None], table.positives[None]), threshold)
    return found


def measure_each(tables: ScoreTable, threshold: float) -> list[dict[Metric, float]]:
    """Return of each of many tables, [tables, bins], what `measure` does of one."""
    both = (tables.positives.sum(axis=-1) > 0) & (tables.negatives.sum(axis=-1) > 0) & tables.holds_chances
    if not both.any():
        return [{} for _ in both]
    with np.errstate(divide="ignore", invalid="ignore"):  # of tables that lack a class
        metrics = _measured(tables, threshold)
    each = zip(*(values.tolist() for values in metrics.values()), strict=True)
    return [
        dict(zip(metrics, values, strict=True)) if supported else {}
        for supported, values in zip(both.tolist(), each, strict=True)
    ]


def _measured(tables: ScoreTable, threshold: float) -> dict[Metric, Reals]:
    positives, negatives = (side.sum(axis=-1).astype(np.float64) for side in (tables.positives, tables.negatives))
    first = tables.first_flagged(threshold)
    hits = tables.positives[..., first:].sum(axis=-1).astype(np.float64)
    alarms = tables.negatives[..., first:].sum(axis=-1).astype(np.float64)
    return {
        Metric.ROC_AUC: roc_auc(tables),
        Metric.AVERAGE_PRECISION: average_precision(tables),
        Metric.PRECISION: _share(hits, hits + alarms),
        Metric.RECALL: hits / positives,
        Metric.F1: 2 * hits / (hits + alarms + positives),
        Metric.ACCURACY: (hits + negatives - alarms) / (positives + negatives),
        Metric.LOG_LOSS: log_loss(tables),
        Metric.EXPECTED_CALIBRATION_ERROR: expected_calibration_error(tables),
    }


def _share(part: Reals, whole: Reals) -> Reals:
    """Return part / whole; 0 of nothing."""
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def roc_auc(table: ScoreTable) -> Reals:
    """Return the share of (positive, negative) pairs ranked rightly, ties in a bin counting half (Mann–Whitney).

    [..., bins] → [...], as the other metrics.

    >>> edges = (0.0, 0.5, 1.0)
    >>> float(roc_auc(ScoreTable(edges, np.array([3, 1]), np.array([1, 3]))))
    0.75
    """
    below = np.zeros_like(table.negatives)
    below[..., 1:] = np.cumsum(table.negatives, axis=-1)[..., :-1]
    pairs = np.sum(table.positives * (below + table.negatives / 2), axis=-1)
    return np.asarray(pairs / (table.positives.sum(axis=-1) * table.negatives.sum(axis=-1, dtype=np.float64)))


def average_precision(table: ScoreTable) -> Reals:
    """Return the step-wise area under the precision–recall curve, one step a bin, as scikit-learn defines it.

    >>> round(float(average_precision(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([1, 3])))), 4)
    0.6875
    """
    falling = table.positives[..., ::-1]
    hits = np.cumsum(falling, axis=-1, dtype=np.float64)
    flagged = np.cumsum((table.positives + table.negatives)[..., ::-1], axis=-1, dtype=np.float64)
    return np.asarray(np.sum(_share(hits, flagged) * falling, axis=-1) / table.positives.sum(axis=-1))


def log_loss(table: ScoreTable) -> Reals:
    """Return the mean negative log-likelihood in nats, each row scored by the middle of its bin.

    >>> round(float(log_loss(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([1, 3])))), 4)
    0.5623
    """
    chance = np.clip(table.middles, SURE, 1 - SURE)
    loss = -np.sum(table.positives * np.log(chance) + table.negatives * np.log1p(-chance), axis=-1)
    return np.asarray(loss / (table.positives.sum(axis=-1) + table.negatives.sum(axis=-1)))


def expected_calibration_error(table: ScoreTable) -> Reals:
    """Return how far scores are from the share of positives, on average over groups of about equally many rows.

    Neighbouring bins make `CALIBRATION_GROUPS` groups (Naeini et al. 2015, with groups of equal mass, which few rows
    mislead less); each row is scored by the middle of its bin. Even of a calibrated model it is above 0, the more the
    fewer rows there are: about 0.8 times the root of p (1 - p) over the rows of a group.

    Four rows scored 0.25 of which one is positive are right; four scored 0.75 of which all are, are wrong by 0.25:

    >>> float(expected_calibration_error(ScoreTable((0.0, 0.5, 1.0), np.array([3, 0]), np.array([1, 4]))))
    0.125
    """
    return calibration_errors(table.negatives, table.positives, table.middles)


def calibration_errors(negatives: Counts | Reals, positives: Counts | Reals, middles: Reals) -> Reals:
    """Return the expected calibration error of tables, [..., bins]; bins that no table has rows in may be left out.

    >>> calibration_errors(np.array([[3, 0], [1, 2]]), np.array([[1, 4], [3, 2]]), np.array([0.25, 0.75])).tolist()
    [0.125, 0.375]
    """
    rows, expected, hits = _calibration_groups(negatives, positives, middles)
    return np.asarray(np.abs(expected - hits).sum(axis=-1) / rows.sum(axis=-1))


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
    groups = _calibration_groups(table.negatives, table.positives, table.middles)
    return tuple(
        CalibrationGroup(round(rows), expected / rows, positives / rows)
        for rows, expected, positives in zip(*(each.tolist() for each in groups), strict=True)
        if rows
    )


def _calibration_groups(negatives: Counts | Reals, positives: Counts | Reals, middles: Reals) -> tuple[Reals, ...]:
    """Return each group's rows, expected positives and positives, [..., groups]."""
    rows = np.asarray(positives + negatives, dtype=np.float64)
    some = np.nonzero(rows)  # bins without rows are in no group
    middle_rank = (np.cumsum(rows, axis=-1)[some] - rows[some] / 2) / rows.sum(axis=-1)[some[:-1]]
    groups = np.minimum((middle_rank * CALIBRATION_GROUPS).astype(np.int64), CALIBRATION_GROUPS - 1)
    shape = (*rows.shape[:-1], CALIBRATION_GROUPS)
    cells = np.ravel_multi_index((*some[:-1], groups), shape)
    return tuple(
        np.bincount(cells, weights=each, minlength=math.prod(shape)).reshape(shape)
        for each in (rows[some], rows[some] * middles[some[-1]], positives[some])
    )
