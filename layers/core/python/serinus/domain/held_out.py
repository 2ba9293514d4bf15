"""Held-out rows as a model scored them, and what their metrics would have been on other rows of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from serinus.domain.policy import Metric
from serinus.domain.profile import CHANCES
from serinus.domain.quality import ScoreTable, measure, slots_of
from serinus.domain.table import Table

Reals = npt.NDArray[np.float64]

RESAMPLES = 1_000
MOST_RESAMPLED_ROWS = 20_000
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10  # with fewer of them, resampling tells an interval that is too narrow


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

    def take(self, rows: npt.NDArray[np.intp]) -> HeldOutRows:
        """Return the rows at these positions, in that order."""
        return replace(self, table=self.table.take(rows), labels=self.labels[rows], scores=self.scores[rows])

    def sampled(self, seed: int) -> HeldOutRows:
        """Return all of them, or, where they are too many to be resampled, as many as can be, drawn by the seed."""
        if self.rows <= MOST_RESAMPLED_ROWS:
            return self
        drawn = np.random.default_rng(seed).choice(self.rows, MOST_RESAMPLED_ROWS, replace=False)
        return self.take(np.sort(drawn))

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


def resampled(
    scores: Sequence[Reals], labels: Reals, threshold: float, *, seed: int
) -> Iterator[tuple[dict[Metric, float], ...]]:
    """Yield the metrics of every model on rows drawn with replacement (the bootstrap; Efron 1979), `RESAMPLES` times.

    All models are measured on the same drawn rows, so that what makes rows hard for all of them cancels in a
    difference. A draw that lacks a class has no metrics and is passed over.

    Args:
        scores: of each model, chances, [rows] each.
        labels: 0 or 1, [rows].
        threshold: where precision, recall, F1 and accuracy are taken.
        seed: of the draws; the same seed draws the same rows.
    """
    width, rows = CHANCES.inner_width, len(labels)
    cells = [slots_of(CHANCES, each) + width * labels.astype(np.int64) for each in scores]
    chance = np.random.default_rng(seed)
    for _ in range(RESAMPLES):
        drawn = chance.integers(0, rows, rows)
        counts = [np.bincount(cell[drawn], minlength=2 * width) for cell in cells]
        measured = tuple(measure(ScoreTable(CHANCES.edges, each[:width], each[width:]), threshold) for each in counts)
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
