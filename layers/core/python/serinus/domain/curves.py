"""What a page draws of a classifier's held-out rows, from one score bin × label table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.quality import ScoreTable

MOST_POINTS = 200

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScoreGroup:
    """Scores in [low, high): which share of the negatives lies there, and which of the positives."""

    low: float
    high: float
    negatives: float
    positives: float


def roc_curve(table: ScoreTable) -> tuple[tuple[float, float], ...]:
    """Return (false positive rate, true positive rate) from (0, 0) to (1, 1), one point a bin, thinned.

    >>> roc_curve(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([1, 3])))
    ((0.0, 0.0), (0.25, 0.75), (1.0, 1.0))
    """
    hits, alarms = _flagged(table)
    return _points(alarms / alarms[-1], hits / hits[-1])


def precision_recall_curve(table: ScoreTable) -> tuple[tuple[float, float], ...]:
    """Return (recall, precision) by rising recall, one point a bin that flags anything, thinned.

    >>> precision_recall_curve(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([1, 3])))
    ((0.75, 0.75), (1.0, 0.5))
    """
    hits, alarms = _flagged(table)
    some = hits + alarms > 0
    return _points(hits[some] / hits[-1], hits[some] / (hits + alarms)[some])


def scores_by_class(table: ScoreTable, groups: int = 20) -> tuple[ScoreGroup, ...]:
    """Return how the scores of each class are distributed, over groups of neighbouring bins.

    >>> for group in scores_by_class(ScoreTable((0.0, 0.5, 1.0), np.array([3, 1]), np.array([0, 2])), 2):
    ...     print(group)
    ScoreGroup(low=0.0, high=0.5, negatives=0.75, positives=0.0)
    ScoreGroup(low=0.5, high=1.0, negatives=0.25, positives=1.0)
    """
    bins = len(table.negatives)
    cuts = np.unique(np.linspace(0, bins, min(groups, bins) + 1).astype(np.int64))
    sides = [
        np.add.reduceat(side, cuts[:-1]) / max(float(side.sum()), 1) for side in (table.negatives, table.positives)
    ]
    edges = np.asarray(table.edges)[cuts]
    return tuple(
        ScoreGroup(*map(float, each)) for each in zip(edges[:-1], edges[1:], sides[0], sides[1], strict=True)
    )


def _flagged(table: ScoreTable) -> tuple[Reals, Reals]:
    """Return how many positives and negatives score at least as high as each bin, from none to all."""
    hits, alarms = (
        np.concatenate([[0.0], np.cumsum(side[::-1], dtype=np.float64)])
        for side in (table.positives, table.negatives)
    )
    moves = np.concatenate([[True], np.diff(hits + alarms) > 0])
    return hits[moves], alarms[moves]


def _points(across: Reals, up: Reals) -> tuple[tuple[float, float], ...]:
    kept = np.unique(np.linspace(0, len(across) - 1, MOST_POINTS).round().astype(np.int64))
    return tuple((float(across[at]), float(up[at])) for at in kept)
