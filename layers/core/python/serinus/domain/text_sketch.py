"""Texts as they pass by, in bounded memory, however many different ones there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serinus.domain.bins import Bins, Counts, DateBins, Special, TextBins
from serinus.domain.chosen_bins import MOST_REMEMBERED, holds_dates, text_bins
from serinus.domain.number_sketch import NumberSketch
from serinus.domain.row_batch import Codes, TextColumn
from serinus.domain.signature import Datatype
from serinus.domain.slotting import instant_of
from serinus.domain.text_shapes import text_slots


@dataclass(frozen=True, eq=False)
class SketchedTexts:
    """What was seen of a column of texts: chosen bins and their counts, [bins.width].

    Attributes:
        distinct: how many different texts there are; `None` for more than 10,000.
    """

    bins: Bins
    counts: Counts
    distinct: int | None


class TextSketch:
    """Collects one column: each text by name, until there are more than 10,000; then their dates, or their shapes.

    What becomes of it does not depend on how the rows were cut into batches.
    """

    def __init__(self) -> None:
        self._missing = 0
        self._counted: Counter[str] = Counter()
        self._more: _Dates | _Shapes | None = None

    def add(self, column: TextColumn) -> None:
        """Take some rows."""
        present = column.codes[column.codes >= 0]
        self._missing += column.codes.size - present.size
        if self._more is None:
            until = self._until(column, present)
            self._count(column, present[:until])
            if until == present.size:
                return
            self._more = _begun(self._counted)
            present = present[until:]
        self._more.add(column.texts, present)

    def chosen(self, name: str) -> SketchedTexts:
        """Choose bins, and count them."""
        if self._more is not None:
            bins, counts = self._more.chosen(name)
            counts[bins.specials[Special.MISSING]] = self._missing
            return SketchedTexts(bins, counts, None)
        chosen = text_bins(name, self._counted)
        counts = np.zeros(chosen.width, dtype=np.int64)
        slots = chosen.slots(np.array(list(self._counted), dtype=object))
        np.add.at(counts, slots, list(self._counted.values()))
        counts[chosen.specials[Special.MISSING]] += self._missing
        return SketchedTexts(chosen, counts, len(self._counted))

    def _until(self, column: TextColumn, present: Codes) -> int:
        """Return how many of the present rows come before the first text that is one too many."""
        room = MOST_REMEMBERED - len(self._counted)
        codes, firsts = np.unique(present, return_index=True)
        if codes.size <= room:
            return present.size
        new = np.array([column.texts[code] not in self._counted for code in codes.tolist()], dtype=bool)
        unknown = np.sort(firsts[new])
        return present.size if unknown.size <= room else int(unknown[room])

    def _count(self, column: TextColumn, present: Codes) -> None:
        times = np.bincount(present, minlength=len(column.texts))
        for code in np.flatnonzero(times).tolist():
            self._counted[column.texts[code]] += int(times[code])


class _Dates:
    def __init__(self) -> None:
        self._instants = NumberSketch(Datatype.FP64)
        self._invalid = 0

    def add(self, texts: Sequence[str], codes: Codes) -> None:
        """Take the texts of some rows, in their order."""
        instants = np.array([np.nan if (told := instant_of(text)) is None else told for text in texts])
        found = instants.take(codes)
        valid = ~np.isnan(found)
        self._invalid += int(found.size - valid.sum())
        self._instants.add(found[valid])

    def chosen(self, name: str) -> tuple[Bins, Counts]:
        found = self._instants.chosen(name)
        bins = DateBins(name, found.bins.edges)
        counts = np.zeros(bins.width, dtype=np.int64)
        counts[: bins.width - 1] = found.counts[: bins.width - 1]
        counts[bins.specials[Special.INVALID]] = self._invalid
        return bins, counts


class _Shapes:
    def __init__(self) -> None:
        self._counts: Counts = np.zeros(TextBins("").width, dtype=np.int64)

    def add(self, texts: Sequence[str], codes: Codes) -> None:
        """Take the texts of some rows."""
        self._counts += np.bincount(text_slots(texts).take(codes), minlength=self._counts.size)

    def chosen(self, name: str) -> tuple[Bins, Counts]:
        return TextBins(name), self._counts.copy()


def _begun(counted: Counter[str]) -> _Dates | _Shapes:
    dates = sum(times for text, times in counted.items() if instant_of(text) is not None)
    more: _Dates | _Shapes = _Dates() if holds_dates(dates, counted.total()) else _Shapes()
    texts = sorted(counted)
    more.add(texts, np.repeat(np.arange(len(texts)), [counted[text] for text in texts]))
    return more
