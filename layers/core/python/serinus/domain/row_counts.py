"""Counts the rows of a file by a layout that is known, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from serinus.domain.bins import Bins, CategoricalBins, Counts, DateBins, NumericBins, Slots, Special, TextBins
from serinus.domain.layout import Layout
from serinus.domain.profile import Profile
from serinus.domain.row_batch import BatchColumn, Expected, NumberColumn, RowBatch, TextColumn
from serinus.domain.text_shapes import text_slots
from serinus.errors import DataRefused


def profile_of_batches(layout: Layout, batches: Iterable[RowBatch]) -> Profile:
    """Return the profile of all rows, none of which has a score; it is the same however they are cut into batches.

    Raises:
        DataRefused: a feature has no column, or one of texts where the layout has numbers.
    """
    counts = np.zeros(layout.size, dtype=np.int64)
    for batch in batches:
        counts += counts_of(layout, batch)
    return Profile(layout, counts)


def without_scores(profile: Profile) -> Profile:
    """Return the same rows as if none had a score, as those of a file have none."""
    section = profile.layout.score_section
    counts = profile.counts.copy()
    counts[section] = 0
    counts[section.start] = profile.rows
    return Profile(profile.layout, counts)


def without_joint(profile: Profile) -> Profile:
    """Return the same rows, none counted jointly: a file is counted column by column, which is much quicker."""
    layout = profile.layout
    return Profile(layout.without_joint, profile.counts[: layout.joint_start])


def expected_by(layout: Layout) -> Expected:
    """Return the columns that a layout counts."""
    numbers = tuple(bins.name for bins in layout.features if isinstance(bins, NumericBins))
    texts = tuple(bins.name for bins in layout.features if bins.name not in numbers)
    return Expected(numbers, texts, together=_by_several(layout))


def counts_of(layout: Layout, batch: RowBatch) -> Counts:
    """Return what the rows of a batch count into, [layout.size]; as far as it brings their columns.

    Raises:
        DataRefused: a feature has no column, or one of texts where the layout has numbers.
        ValueError: rows are counted by several columns at once, and these do not come together.
    """
    columns = {
        at: _binned(bins, batch) for at, bins in enumerate(layout.features) if bins.name not in batch.elsewhere
    }
    if _by_several(layout):
        if batch.elsewhere:
            raise ValueError("columns that count together have to come together")
        slots = {column.bins.name: column.slots() for column in columns.values()}
        whole = layout.slots_of_bins(slots, np.zeros(batch.rows, dtype=np.int64))
        return np.bincount(whole, minlength=layout.size).astype(np.int64)
    counts = np.zeros(layout.size, dtype=np.int64)
    counts[layout.score_section.start] = 0 if batch.again else batch.rows  # the slot of rows without a score
    for position, column in columns.items():
        counts[layout.feature_section(position)] = column.counts()
    return counts


def _by_several(layout: Layout) -> bool:
    return bool(layout.slices) or layout.joint is not None


@dataclass(frozen=True)
class _Numbers:
    bins: NumericBins
    column: NumberColumn

    def counts(self) -> Counts:
        counts = self.bins.counts(self.column.values)
        if counts[0] and self.bins.detailed and self.column.missing is not None:
            not_numbers = int(self.column.not_numbers.sum())
            counts[0] -= not_numbers
            counts[self.bins.specials[Special.NOT_A_NUMBER]] += not_numbers
        return counts

    def slots(self) -> Slots:
        slots = self.bins.slots(self.column.values)
        if self.bins.detailed and self.column.missing is not None:
            slots[self.column.not_numbers] = self.bins.specials[Special.NOT_A_NUMBER]
        return slots


@dataclass(frozen=True)
class _Texts:
    bins: CategoricalBins | TextBins | DateBins
    column: TextColumn

    def counts(self) -> Counts:
        times = self.column.times
        counts = np.zeros(self.bins.width, dtype=np.int64)
        np.add.at(counts, self._slot_of[1:], times)
        counts[0] += self.column.codes.size - times.sum()
        return counts

    def slots(self) -> Slots:
        return self._slot_of.take(self.column.codes + 1)

    @property
    def _slot_of(self) -> Slots:
        """The slot of what is missing, then of each text."""
        texts = self.column.texts
        each = text_slots(texts) if isinstance(self.bins, TextBins) else list(map(self.bins.slot, texts))
        return np.concatenate([[0], np.asarray(each, dtype=np.int64)])


def _binned(bins: Bins, batch: RowBatch) -> _Numbers | _Texts:
    column = batch.columns.get(bins.name)
    if column is None:
        others = sorted(batch.elsewhere)
        raise DataRefused(
            f"{batch.file} has no column {bins.name!r} that the profile counts; its columns are "
            f"{', '.join(map(repr, [*batch.columns, *others]))}"
        )
    if isinstance(bins, NumericBins):
        return _Numbers(bins, _as_numbers(bins.name, column, batch))
    return _Texts(bins, column.as_texts() if isinstance(column, NumberColumn) else column)


def _as_numbers(name: str, column: BatchColumn, batch: RowBatch) -> NumberColumn:
    if isinstance(column, NumberColumn):
        return column
    if not column.texts:
        return NumberColumn(np.full(batch.rows, np.nan))
    row = int(np.argmax(column.codes >= 0))
    raise DataRefused(
        f"{batch.file}, row {batch.first + row + 1}: column {name!r} holds text such as "
        f"{column.texts[column.codes[row]][:40]!r}, but the profile counts numbers there"
    )
