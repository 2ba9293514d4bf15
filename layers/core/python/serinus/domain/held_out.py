"""Held-out rows as a model scored them, and what their metrics would have been on other rows of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from serinus.domain.policy import Metric
from serinus.domain.profile import CHANCES, Slots
from serinus.domain.quality import ScoreTable, measure, slots_of
from serinus.domain.table import Table
from serinus.errors import DataRefused

Reals = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

RESAMPLES = 1_000
MOST_RESAMPLED_ROWS = 20_000
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10  # with fewer of them, resampling tells an interval that is too narrow


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
        return measure(self._table(self.cells if drawn is None else self.cells[drawn]), self.threshold)

    def _table(self, cells: Slots) -> ScoreTable:
        width = CHANCES.inner_width
        counts = np.bincount(cells, minlength=2 * width)
        return ScoreTable(CHANCES.edges, counts[:width], counts[width:])


@dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Labelled rows and the model's scores of them.

    Attributes:
        file: what the table is called, for messages.
        table: every column of the file, the model's features among them.
        labels: 0 or 1, [rows].
        scores: the model's, finite, [rows].
    """

    file: str
    table: Table
    labels: Reals
    scores: Reals

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
        if self.rows <= MOST_RESAMPLED_ROWS:
            return self
        drawn = np.random.default_rng(seed).choice(self.rows, MOST_RESAMPLED_ROWS, replace=False)
        return self.take(np.sort(drawn))

    def answers(self, threshold: float, scores: Reals | None = None) -> Answers:
        """Return the answers of the model, or those of another one that scored the same rows."""
        return BinaryAnswers.of(self.scores if scores is None else scores, self.labels, threshold)

    @property
    def too_few(self) -> str | None:
        """Say what is lacking for a comparison beyond chance; `None` where there are rows enough of both classes."""
        positives = int(self.labels.sum())
        if self.rows >= FEWEST_ROWS and min(positives, self.rows - positives) >= FEWEST_OF_A_CLASS:
            return None
        return (
            f"too few rows: {self.rows}, {positives} of them positive; it takes {FEWEST_ROWS}, "
            f"{FEWEST_OF_A_CLASS} of each class"
        )


def labels_of(table: Table, target: str, *, file: str) -> Reals:
    """Return the target's values, [rows].

    Raises:
        DataRefused: there is no such column, or it holds something else than 0 and 1.
    """
    if target not in table.columns:
        raise DataRefused(f"{file} has no column {target!r}; its columns are {', '.join(map(repr, table.columns))}")
    labels = table.columns[target]
    if labels.dtype == object or not np.all(np.isin(labels, (0, 1))):
        raise DataRefused(
            f"the target {target!r} of {file} must be 0 or 1 in every row; "
            "`serinus push --positive VALUE` writes it so"
        )
    return np.asarray(labels, dtype=np.float64)


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
    for _ in range(RESAMPLES):
        drawn = chance.integers(0, rows, rows)
        measured = tuple(each.measured(drawn) for each in models)
        if all(measured):
            yield measured


def interval_of(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """Return the percentile interval of resampled values.

    >>> low, high = interval_of([number / 100 for number in range(101)], 0.9)
    >>> round(low, 2), round(high, 2)
    (0.05, 0.95)
    """
    low, high = np.quantile(np.asarray(values), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
