"""The metrics of a model that tells classes apart, and the one number that the log carries of its answer.

The score of a row is the predicted class's position plus the confidence in it, its chance: 2.83 is the third class
with 83 %. So the log line, the records and the score's bins carry both, and need no second column for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import NumericBins
from serinus.domain.gates import Finding
from serinus.domain.metric import Metric
from serinus.domain.quality import CALIBRATION_GROUPS, SURE
from serinus.domain.signature import SUREST

Reals = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

_SCORE_BINS = 1_000  # of all classes together, at the most
_MOST_BINS_OF_A_CLASS = 20
_DRAWN_RANKS = 1_000


def class_scores(chances: Reals) -> Reals:
    """Return the score of each row: the likeliest class's position plus its chance, which is kept below 1.

    >>> class_scores(np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [1.8, 2.999999]
    """
    best = np.argmax(chances, axis=1)
    scores = best + np.clip(chances[np.arange(len(best)), best], 0.0, SUREST)
    return np.asarray(scores, dtype=np.float64)


def class_bins(classes: int) -> NumericBins:
    """Return score bins of which each lies within one class: what is predicted, and how surely, are both counted.

    >>> class_bins(3).edges[:3], len(class_bins(3).edges), len(class_bins(100).edges)
    ((0.0, 0.05, 0.1), 61, 1001)
    """
    each = max(min(_MOST_BINS_OF_A_CLASS, _SCORE_BINS // classes), 1)
    edges = np.arange(classes * each + 1) / each
    return NumericBins("score", tuple(float(edge) for edge in edges))


@dataclass(frozen=True, eq=False)
class Decisions:
    """What a model said of rows, and how surely: all that the log tells of them.

    Attributes:
        labels: positions of the true classes, [rows].
        predicted: positions of the predicted classes, [rows].
        confidence: the chances given to those, [rows].
        classes: how many classes there are.
    """

    labels: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    confidence: Reals
    classes: int

    @classmethod
    def of(cls, labels: Reals, scores: Reals, classes: int) -> Decisions:
        """Read decisions from scores as the log carries them; rows without one are left out.

        >>> Decisions.of(np.array([1.0, 0.0]), np.array([1.75, np.nan]), 3).predicted.tolist()
        [1]
        """
        scored = ~np.isnan(scores)
        predicted = np.clip(np.floor(scores[scored]), 0, classes - 1).astype(np.int64)
        return cls(labels[scored].astype(np.int64), predicted, scores[scored] - predicted, classes)

    def measured(self, drawn: Positions | None = None) -> Mapping[Metric, float]:
        """Return the metrics of decisions; nothing where fewer than two classes are present.

        Averages over classes are over those that have rows, or, for F1, that are predicted too, as in scikit-learn.
        """
        counts = self._confusion(drawn)
        rows, said, right = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
        present = rows > 0
        if present.sum() < 2:
            return {}
        recalls = right[present] / rows[present]
        known = rows + said > 0
        return {
            Metric.ACCURACY: float(right.sum() / rows.sum()),
            Metric.BALANCED_ACCURACY: float(recalls.mean()),
            Metric.MACRO_F1: float(np.mean(2 * right[known] / (rows + said)[known])),
            Metric.WORST_CLASS_RECALL: float(recalls.min()),
            Metric.TOP_LABEL_CALIBRATION_ERROR: self._calibration_error(drawn),
        }

    def _confusion(self, drawn: Positions | None = None) -> npt.NDArray[np.int64]:
        cells = self._cells if drawn is None else self._cells[drawn]
        return np.bincount(cells, minlength=self.classes**2).reshape(self.classes, self.classes)

    def _calibration_error(self, drawn: Positions | None) -> float:
        """Return |confidence - share of right answers| on average over ten groups of rows by rising confidence."""
        groups, gaps = self._groups, self._gaps
        if drawn is not None:
            groups, gaps = groups[drawn], gaps[drawn]
        return float(np.abs(np.bincount(groups, weights=gaps, minlength=CALIBRATION_GROUPS)).sum() / len(groups))

    @cached_property
    def _cells(self) -> npt.NDArray[np.int64]:
        return self.labels * self.classes + self.predicted

    @cached_property
    def _gaps(self) -> Reals:
        return np.asarray(self.confidence - (self.labels == self.predicted), dtype=np.float64)

    @cached_property
    def _groups(self) -> npt.NDArray[np.int64]:
        rank = np.empty(len(self.confidence), dtype=np.int64)
        rank[np.argsort(self.confidence, kind="stable")] = np.arange(len(rank))
        return rank * CALIBRATION_GROUPS // max(len(rank), 1)


@dataclass(frozen=True, eq=False)
class ClassAnswers:
    """Chances of every class, [rows, classes], of rows whose classes are known; `held_out.Answers`."""

    labels: npt.NDArray[np.int64]
    chances: Reals

    @cached_property
    def decisions(self) -> Decisions:
        """What the chances come to."""
        best = np.argmax(self.chances, axis=1).astype(np.int64)
        confidence = self.chances[np.arange(len(best)), best]
        return Decisions(self.labels, best, confidence, self.chances.shape[1])

    def measured(self, drawn: Positions | None = None) -> Mapping[Metric, float]:
        """Return every metric; nothing where fewer than two classes are present.

        The areas under the ROC curves are one class against the rest, over the classes that have rows: their mean,
        and their mean weighted by rows. A row's log loss is - ln of its class's chance.
        """
        decided = self.decisions.measured(drawn)
        if not decided:
            return {}
        areas, rows = self._areas(drawn)
        losses = self._losses if drawn is None else self._losses[drawn]
        return {
            Metric.MACRO_ROC_AUC: float(areas.mean()),
            Metric.WEIGHTED_ROC_AUC: float(np.average(areas, weights=rows)),
            Metric.LOG_LOSS: float(losses.mean()),
            **decided,
        }

    def _areas(self, drawn: Positions | None) -> tuple[Reals, Reals]:
        """Return each class's area against the rest, and its rows, of the classes that have some.

        An area is the share of pairs ranked rightly, ties counting half.
        """
        cells, ranks = self._cells if drawn is None else self._coarse_cells
        counts = np.bincount((cells if drawn is None else cells[drawn]).ravel(), minlength=2 * ranks * cells.shape[1])
        others, own = counts.reshape(cells.shape[1], 2, ranks).swapaxes(0, 1)
        rows = own.sum(axis=1).astype(np.float64)
        below = np.cumsum(others, axis=1) - others
        right = np.sum(own * (below + others / 2), axis=1)
        present = rows > 0
        pairs = rows[present] * others.sum(axis=1)[present]
        return np.asarray(right[present] / pairs, dtype=np.float64), rows[present]

    @cached_property
    def _ranks(self) -> npt.NDArray[np.int64]:
        """Return the rank of each row's chance among a class's different ones, [rows, classes]."""
        ranks = [np.unique(column, return_inverse=True)[1] for column in self.chances.T]
        return np.stack(ranks, axis=1).astype(np.int64)

    @cached_property
    def _cells(self) -> tuple[npt.NDArray[np.int64], int]:
        return self._celled(self._ranks)

    @cached_property
    def _coarse_cells(self) -> tuple[npt.NDArray[np.int64], int]:
        """Return cells of at most 1,000 groups of ranks: draws of rows need no more to tell an interval."""
        most = self._ranks.max(axis=0, initial=0) + 1
        groups = np.minimum(most, _DRAWN_RANKS)
        return self._celled(self._ranks * groups // most)

    def _celled(self, ranks: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
        """Return a cell for each row and class, [rows, classes], and how many ranks a class has at the most.

        It tells the class, whether the row is of it, and the rank of the row's chance.
        """
        width, classes = int(ranks.max(initial=0)) + 1, self.chances.shape[1]
        is_own = self.labels[:, None] == np.arange(classes)
        return (2 * np.arange(classes) + is_own) * width + ranks, width

    @cached_property
    def _losses(self) -> Reals:
        told = self.chances[np.arange(len(self.labels)), self.labels]
        return -np.log(np.clip(told, SURE, 1.0))


def describe_classes(answers: ClassAnswers, classes: Sequence[str]) -> Finding:
    """Tell the recall and precision of each class, and name the worst; nothing is judged by it.

    Its numbers hold each class's, and by tenths of the rows in the order of their confidence, the mean confidence and
    the share of right answers.
    """
    decisions = answers.decisions
    counts = decisions._confusion()
    rows, said, right = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    recalls = {classes[at]: float(right[at] / rows[at]) for at in np.flatnonzero(rows).tolist()}
    worst = min(recalls, key=lambda name: recalls[name])
    numbers: dict[str, float] = {f"recall:{name}": recall for name, recall in recalls.items()}
    numbers |= {f"precision:{classes[at]}": float(right[at] / said[at]) for at in np.flatnonzero(said).tolist()}
    numbers |= {f"rows:{name}": float(rows[at]) for at, name in enumerate(classes)}
    for number in range(CALIBRATION_GROUPS):
        group = decisions._groups == number
        if group.any():
            numbers[f"confidence:{number}"] = float(decisions.confidence[group].mean())
            numbers[f"correct:{number}"] = float(np.mean(decisions.labels[group] == decisions.predicted[group]))
    message = f"recall is worst for {worst!r}: {recalls[worst]:.4f} of {rows[classes.index(worst)]} held-out rows"
    absent = [name for name in classes if name not in recalls]
    if absent:
        message += f"; no held-out rows of {', '.join(map(repr, absent))}, of which nothing is known"
    return Finding("classes", passed=True, message=message, numbers=numbers)
