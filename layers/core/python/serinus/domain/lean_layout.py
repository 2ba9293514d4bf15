"""A layout without numpy, with which the inference function bins the rows it does not log.

Counts the same as `profile.Layout` does, value for value; a test holds the two together.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import inf, isnan, nan, nextafter
from typing import Any

Values = Iterable[float | int | bool | str | None]

_OUTCOMES = 4  # profile.Outcome, whose section comes first
_SINGLE = frozenset({"FP32", "FP16"})
_SPECIAL = 2  # slots before the first bin: missing, and below or other


class _LeanNumbers:
    """`profile.NumericBins`: one bisection a value."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._code = "f" if said.get("datatype") in _SINGLE else "d"
        edges = list(self._rounded(said["edges"]))
        self.width = max(len(edges) - 1, 1) + 3
        inner = [min(position, self.width - 4) + _SPECIAL for position in range(len(edges))]
        self._slots = [1, *inner, self.width - 1]
        # what is above the last edge is not below its successor; nothing is above infinity
        self._edges = [*edges, nextafter(edges[-1], inf)] if edges[-1] < inf else edges

    def slots(self, values: Values | memoryview) -> list[int]:
        """Return each value's slot, relative to the section's start."""
        slots, edges = self._slots, self._edges
        return [slots[bisect_right(edges, value)] if value == value else 0 for value in self._rounded(values)]

    def counts(self, values: Values | memoryview) -> Counter[int]:
        """Return how many values fall into each slot; to sort them takes less time than to bisect for each."""
        numbers = self._rounded(values)
        present = sorted(number for number in numbers if number == number) if isnan(sum(numbers)) else sorted(numbers)
        counted: Counter[int] = Counter({0: len(numbers) - len(present)})
        below = 0
        for edge, slot in zip(self._edges, self._slots, strict=False):  # a slot more: of what is above the last edge
            start, below = below, bisect_left(present, edge, below)
            counted[slot] += below - start
        counted[self._slots[len(self._edges)]] += len(present) - below
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


class _LeanCategories:
    """`profile.CategoricalBins`: one look-up a value."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._slot_of = {category: slot for slot, category in enumerate(said["categories"], _SPECIAL)}
        self.width = len(self._slot_of) + _SPECIAL

    def slots(self, values: Values | memoryview) -> list[int]:
        """Return each value's slot, relative to the section's start."""
        slot_of = self._slot_of
        return [0 if value is None or value != value else slot_of.get(str(value), 1) for value in values]

    def counts(self, values: Values | memoryview) -> Counter[int]:
        """Return how many values fall into each slot."""
        return Counter(self.slots(values))


class LeanLayout:
    """What a profile counts of rows: the score's bins and each feature's.

    Attributes:
        digest: of the `profile.Layout` that this stands for.
    """

    def __init__(self, said: Mapping[str, Any]) -> None:
        """Take a layout as `layout_document` says it."""
        self.digest = str(said["digest"])
        self._score = _LeanNumbers(said["score"])
        self._features = {
            feature["name"]: _LeanCategories(feature) if "categories" in feature else _LeanNumbers(feature)
            for feature in said["features"]
        }
        widths = [_OUTCOMES, _LeanNumbers(said["latency"]).width, self._score.width]
        widths += [bins.width for bins in self._features.values()]
        self._score_start, *self._starts = [*accumulate(widths)][1:]

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
        slots = sorted(counted)
        return slots, [counted[slot] for slot in slots]
