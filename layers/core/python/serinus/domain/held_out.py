"""Held-out rows as a model scored them, and what their metrics would have been on other rows of the same kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Slots
from serinus.domain.gates import Finding
from serinus.domain.layout import CHANCES, Layout, are_chances, layout_from
from serinus.domain.metric import Metric
from serinus.domain.multiclass import ClassAnswers, class_bins, class_scores, describe_classes
from serinus.domain.policy import Slicing
from serinus.domain.quality import ScoreTable, measure_each, slots_of
from serinus.domain.regression import RegressionAnswers, describe_errors, prediction_bins
from serinus.domain.signature import Signature
from serinus.domain.slotting import Range
from serinus.domain.table import Table
from serinus.domain.task import BINARY_TARGET, GREATEST_NUMBER, Target, Task

Reals = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

RESAMPLES = 1_000
MOST_RESAMPLED_ROWS = 20_000
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10  # with fewer of them, resampling tells an interval that is too narrow
FEWEST_CLASSES_OF_ENOUGH = 2

_DRAWS_AT_ONCE = 12  # whose counts the processor's cache holds
_CLASSES_AT_NO_COST = 5  # each class's area takes as long as a binary model's; with more of them fewer rows are drawn
_SUM_TOLERANCE = 1e-3  # that chances in float32, or in float16, may sum to


class Answers(Protocol):
    """A model's answers to labelled rows, ready to be measured on any draw of them."""

    def measured(self, drawn: Positions | None = None) -> Mapping[Metric, float]:
        """Return every metric on the rows at these positions, or on all; nothing where they support none."""


@dataclass(frozen=True, eq=False)
class BinaryAnswers:
    """Scores of rows that are 0 or 1, by the cell of the score bin × label table that each counts into, [rows]."""

    cells: Slots
    threshold: float

    @classmethod
    def of(cls, scores: Reals, labels: Reals, threshold: float) -> BinaryAnswers:
        """Find each row's cell; precision, recall, F1 and accuracy are taken at the threshold."""
        return cls(slots_of(CHANCES, scores) + CHANCES.inner_width * labels.astype(np.int64), threshold)

    def measured(self, drawn: Positions | None = None) -> Mapping[Metric, float]:
        """Return every metric on the rows at these positions, or on all; nothing where a class is missing."""
        (found,) = self.measured_each((np.arange(len(self.cells)) if drawn is None else drawn)[None])
        return found

    def measured_each(self, draws: Positions) -> Sequence[Mapping[Metric, float]]:
        """Return of each of many draws, [draws, rows], what `measured` does of one."""
        width = CHANCES.inner_width
        cells = self.cells[draws] + np.arange(len(draws))[:, None] * 2 * width
        counts = np.bincount(cells.ravel(), minlength=2 * width * len(draws)).reshape(-1, 2, width)
        return measure_each(ScoreTable(CHANCES.edges, counts[:, 0], counts[:, 1]), self.threshold)


@dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Labelled rows and the model's scores of them.

    Attributes:
        file: what the table is called, for messages.
        table: every column of the file, the model's features among them.
        labels: 0 or 1; of a multi-class target the classes' positions, of a regression numbers; [rows].
        scores: the model's, finite, [rows]; of a multi-class target the chances of its classes, [rows, classes].
        target: what is predicted.
    """

    file: str
    table: Table
    labels: Reals
    scores: Reals
    target: Target = BINARY_TARGET

    @property
    def logged_scores(self) -> Reals:
        """The one number a row that the log would carry, [rows]."""
        return class_scores(self.scores) if self.target.task is Task.MULTICLASS else self.scores

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.labels)

    def scored(self, scores: Reals) -> HeldOutRows:
        """Return the rows with these scores."""
        return replace(self, scores=scores)

    def take(self, rows: Positions) -> HeldOutRows:
        """Return the rows at these positions, in that order."""
        return replace(self, table=self.table.take(rows), labels=self.labels[rows], scores=self.scores[rows])

    def sampled(self, seed: int) -> HeldOutRows:
        """Return all of them, or, where they are too many to be resampled, as many as can be, drawn by the seed."""
        most = MOST_RESAMPLED_ROWS // max(1, len(self.target.classes) // _CLASSES_AT_NO_COST)
        if self.rows <= most:
            return self
        drawn = np.random.default_rng(seed).choice(self.rows, most, replace=False)
        return self.take(np.sort(drawn))

    def answers(self, threshold: float, scores: Reals | None = None) -> Answers:
        """Return the answers of the model, or those of another one that scored the same rows."""
        told = self.scores if scores is None else scores
        match self.target.task:
            case Task.BINARY:
                return BinaryAnswers.of(told, self.labels, threshold)
            case Task.MULTICLASS:
                return ClassAnswers(self.labels.astype(np.int64), told)
            case Task.REGRESSION:
                return RegressionAnswers(self.labels, told)
            case unreachable:
                assert_never(unreachable)

    @property
    def too_few(self) -> str | None:
        """Say what is lacking for a comparison beyond chance; `None` where there are rows enough."""
        lacks = f"too few rows: {self.rows}"
        match self.target.task:
            case Task.BINARY:
                positives = int(self.labels.sum())
                enough = min(positives, self.rows - positives) >= FEWEST_OF_A_CLASS
                lacks += f", {positives} of them positive; it takes {FEWEST_ROWS}, {FEWEST_OF_A_CLASS} of each class"
            case Task.MULTICLASS:
                many = int(np.sum(np.bincount(self.labels.astype(np.int64)) >= FEWEST_OF_A_CLASS))
                enough = many >= FEWEST_CLASSES_OF_ENOUGH
                lacks += f" of {many} classes; it takes {FEWEST_ROWS}, {FEWEST_OF_A_CLASS} of at least two classes"
            case Task.REGRESSION:
                enough = bool(RegressionAnswers(self.labels, self.labels).measured())
                lacks += f"; it takes {FEWEST_ROWS} with targets that are not all the same"
            case unreachable:
                assert_never(unreachable)
        return None if enough and self.rows >= FEWEST_ROWS else lacks

    @property
    def refused_scores(self) -> str | None:
        """Say what keeps scores from being measured as the task's; `None` where nothing does.

        A regression may predict any number that FP32 holds, so that no metric is infinite. Chances lie between 0 and
        1, and those of all classes sum to 1.
        """
        if not np.all(np.isfinite(self.scores)):
            return "its scores of them are not all finite"
        if self.target.task is Task.REGRESSION and np.any(np.abs(self.scores) > GREATEST_NUMBER):
            return "its scores of them are not all numbers that FP32 holds"
        if self.target.task is not Task.REGRESSION and not are_chances(self.scores):
            return "its scores of them are not all between 0 and 1"
        if self.target.task is Task.MULTICLASS and np.any(np.abs(self.scores.sum(axis=1) - 1) > _SUM_TOLERANCE):
            return "its chances of the classes do not sum to 1"
        return None

    def layout(
        self,
        signature: Signature,
        features: Table,
        *,
        declared: Mapping[str, Range] | None = None,
        slicings: Sequence[Slicing] = (),
    ) -> Layout:
        """Choose a profile's bins by these rows; ranges and slices are those that the policy declares."""
        layout = layout_from(signature, features, self.logged_scores, declared=declared, slicings=slicings)
        match self.target.task:
            case Task.BINARY:
                return layout
            case Task.MULTICLASS:
                return replace(layout, score=class_bins(len(self.target.classes)))
            case Task.REGRESSION:
                return replace(layout, score=prediction_bins(self.scores))
            case unreachable:
                assert_never(unreachable)

    def described(self) -> tuple[Finding, ...]:
        """Return what is told of them besides metrics, and judged by nothing."""
        match self.target.task:
            case Task.BINARY:
                return ()
            case Task.MULTICLASS:
                return (
                    describe_classes(ClassAnswers(self.labels.astype(np.int64), self.scores), self.target.classes),
                )
            case Task.REGRESSION:
                return (describe_errors(self.labels, self.scores),)
            case unreachable:
                assert_never(unreachable)


def resampled(models: Sequence[Answers], rows: int, *, seed: int) -> Iterator[tuple[Mapping[Metric, float], ...]]:
    """Yield the metrics of every model on rows drawn with replacement (the bootstrap; Efron 1979), `RESAMPLES` times.

    All models are measured on the same drawn rows, so that what makes rows hard for all of them cancels in a
    difference. A draw that lacks a class has no metrics and is passed over.

    Args:
        models: their answers to the same rows.
        rows: how many these are.
        seed: of the draws; the same seed draws the same rows.
    """
    chance = np.random.default_rng(seed)
    for begin in range(0, RESAMPLES, _DRAWS_AT_ONCE):
        draws = chance.integers(0, rows, (min(_DRAWS_AT_ONCE, RESAMPLES - begin), rows))
        measured = zip(*(_measured_each(model, draws) for model in models), strict=True)
        yield from (each for each in measured if all(each))


def _measured_each(model: Answers, draws: Positions) -> Iterable[Mapping[Metric, float]]:
    if isinstance(model, BinaryAnswers | RegressionAnswers):
        return model.measured_each(draws)
    return map(model.measured, draws)


def interval_of(values: Sequence[float] | Reals, confidence: float) -> tuple[float, float]:
    """Return the percentile interval of resampled values.

    >>> low, high = interval_of([number / 100 for number in range(101)], 0.9)
    >>> round(low, 2), round(high, 2)
    (0.05, 0.95)
    """
    low, high = np.quantile(np.asarray(values), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
