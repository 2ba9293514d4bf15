"""A layout without numpy, with which the inference function bins the rows it does not log.

Counts the same as `profile.Layout` does, value for value; a test holds the two together.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from math import isnan, nan
from typing import Any

from serinus.domain.slotting import LENGTHS, TEXT_CLASSES, Remembered, instant_of, stepped, text_slot

Values = Iterable[float | int | bool | str | None]

_OUTCOMES = 4  # profile.Outcome, whose section comes first
_SINGLE = frozenset({"FP32", "FP16"})
_SPECIAL = 2  # slots before the first inner bin
_DETAILS = 5  # slots of what is no number, infinite, or out of the declared range
_ANY = (None, None)


class _LeanNumbers:
    """`bins.NumericBins`: one bisection a value."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._code = "f" if said.get("datatype") in _SINGLE else "d"
        edges = list(self._rounded(said["edges"]))
        low, high = (None if bound is None else self._rounded([bound])[0] for bound in said.get("declared", _ANY))
        self._steps, self._slots = stepped(edges, (low, high), detailed=said.get("detailed", False))
        self.width = max(len(edges) - 1, 1) + (_DETAILS if said.get("detailed") else 0) + 3

    def slots(self, values: Values | memoryview) -> list[int]:
        """Return each value's slot, relative to the section's start."""
        slots, steps = self._slots, self._steps
        return [slots[bisect_right(steps, value)] if value == value else 0 for value in self._rounded(values)]

    def counts(self, values: Values | memoryview) -> Counter[int]:
        """Return how many values fall into each slot; to sort them takes less time than to bisect for each."""
        numbers = self._rounded(values)
        present = sorted(number for number in numbers if number == number) if isnan(sum(numbers)) else sorted(numbers)
        counted: Counter[int] = Counter({0: len(numbers) - len(present)})
        below = 0
        for step, slot in zip(self._steps, self._slots, strict=False):  # a slot more: of what is above the last step
            start, below = below, bisect_left(present, step, below)
            counted[slot] += below - start
        counted[self._slots[-1]] += len(present) - below
        return +counted

    def _rounded(self, values: Values | memoryview) -> Sequence[float]:
        """Return numbers in the feature's own precision, NaN for missing; what exceeds it is infinite."""
        if isinstance(values, memoryview):
            numbers: list[Any] = values.tolist()
            return numbers if values.format == self._code else array(self._code, numbers)
        try:
            return array(self._code, values)  # type: ignore[arg-type]  # what it does not take is told below
        except TypeError:
            return array(self._code, [nan if value is None else float(value) for value in values])


class _LeanTexts:
    """`bins.CategoricalBins`, `bins.TextBins` and `bins.DateBins`: one look-up a value."""

    def __init__(self, slot_of: Mapping[str, int], otherwise: Callable[[str], int], width: int) -> None:
        self._slot_of = slot_of
        self._otherwise = otherwise
        self.width = width

    def slots(self, values: Values | memoryview) -> list[int]:
        """Return each value's slot, relative to the section's start."""
        known, otherwise = self._slot_of, self._otherwise
        found = [0 if value is None or value != value else known.get(str(value), -1) for value in values]
        if -1 in found:
            found = [otherwise(str(value)) if slot < 0 else slot for slot, value in zip(found, values, strict=True)]
        return found

    def counts(self, values: Values | memoryview) -> Counter[int]:
        """Return how many values fall into each slot."""
        return Counter(self.slots(values))


def _lean(said: Mapping[str, Any]) -> _LeanNumbers | _LeanTexts:
    kind = said.get("kind", "category" if "categories" in said else "number")
    if kind == "number":
        return _LeanNumbers(said)
    if kind == "text":
        return _LeanTexts({}, text_slot, len(TEXT_CLASSES) * len(LENGTHS) + _SPECIAL)
    if kind == "date":
        return _lean_dates(_LeanNumbers(said))
    known = {category: slot for slot, category in enumerate(said["categories"], _SPECIAL)}
    behind = len(known) + _SPECIAL
    rarer = said.get("rarer")
    if not rarer:
        return _LeanTexts(known, lambda _text: 1, behind + (rarer is not None))
    remembered = Remembered(rarer)
    return _LeanTexts(known, lambda text: behind if text in remembered else 1, behind + 1)


def _lean_dates(instants: _LeanNumbers) -> _LeanTexts:
    def slot(text: str) -> int:
        instant = instant_of(text)
        return instants.width if instant is None else instants.slots([instant])[0]

    return _LeanTexts({}, slot, instants.width + 1)


class LeanLayout:
    """What a profile counts of rows: the score's bins and each feature's.

    Attributes:
        digest: of the `profile.Layout` that this stands for.
    """

    def __init__(self, said: Mapping[str, Any]) -> None:
        """Take a layout as `layout_document` says it."""
        self.digest = str(said["digest"])
        self._score = _LeanNumbers(said["score"])
        self._features = {feature["name"]: _lean(feature) for feature in said["features"]}
        widths = [_OUTCOMES, _LeanNumbers(said["latency"]).width, self._score.width]
        widths += [bins.width for bins in self._features.values()]
        self._score_start, *self._starts = [*accumulate(widths)][1:]
        self._slicings: list[Mapping[str, Any]] = said.get("slices", [])

    def bins(self, columns: Mapping[str, Values | memoryview]) -> dict[str, list[int]]:
        """Return the bin numbers of each column that is counted, one a row, relative to its section."""
        known = self._features
        return {name: known[name].slots(values) for name, values in columns.items() if name in known}

    def counts(
        self, columns: Mapping[str, Values | memoryview], scores: Sequence[float]
    ) -> tuple[list[int], list[int]]:
        """Return the slots of the whole layout that these rows count into, ascending, and how often they do."""
        counted = {slot + self._score_start: times for slot, times in self._score.counts(scores).items()}
        for (name, bins), start in zip(self._features.items(), self._starts, strict=False):
            if name in columns:
                counted |= {slot + start: times for slot, times in bins.counts(columns[name]).items()}
        if self._slicings:
            counted |= self._sliced(columns, scores)
        slots = sorted(counted)
        return slots, [counted[slot] for slot in slots]

    def _sliced(self, columns: Mapping[str, Values | memoryview], scores: Sequence[float]) -> Counter[int]:
        """Count the rows once more, slice by slice."""
        binned = self.bins(columns)
        parts = [[slot + self._score_start for slot in self._score.slots(scores)]]
        starts = dict(zip(self._features, self._starts, strict=False))
        parts += [[slot + starts[name] for slot in slots] for name, slots in binned.items()]
        counted: Counter[int] = Counter()
        row_width = self._starts[-1] - self._score_start
        shift = row_width
        for slicing in self._slicings:
            if slicing["feature"] in binned:
                slice_of = slicing["of_slot"]
                shifts = [shift + slice_of[slot] * row_width for slot in binned[slicing["feature"]]]
                for part in parts:
                    counted.update(slot + more for slot, more in zip(part, shifts, strict=True))
            shift += len(slicing["names"]) * row_width
        return counted
