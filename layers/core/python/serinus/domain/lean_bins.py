"""The bins of a column without numpy, with which the inference function counts.

Count the same as those of `bins` do, value for value; a test holds the two together.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from math import inf, isnan, nan
from typing import Any

from serinus.domain.signature import Datatype
from serinus.domain.slotting import LENGTHS, TEXT_CLASSES, Remembered, instant_of, single_at, stepped, text_slot

Values = Iterable[float | int | bool | str | None]

_SINGLE = frozenset({"FP32", "FP16"})
_SPECIAL = 2  # slots before the first inner bin
_DETAILS = 5  # slots of what is no number, infinite, or out of the declared range
_ANY = (None, None)


class LeanNumbers:
    """`bins.NumericBins`: one bisection a value; many values are sorted, and each step is looked up among them.

    Attributes:
        datatype: the precision in which values are compared.
    """

    def __init__(self, said: Mapping[str, Any]) -> None:
        single = said.get("datatype") in _SINGLE
        self.datatype, self._code = (Datatype.FP32, "f") if single else (Datatype.FP64, "d")
        edges = list(self._rounded(said["edges"]))
        low, high = (None if bound is None else self._rounded([bound])[0] for bound in said.get("declared", _ANY))
        self._steps, self._slots = stepped(edges, (low, high), detailed=said.get("detailed", False))
        self.width = max(len(edges) - 1, 1) + (_DETAILS if said.get("detailed") else 0) + 3

    def slots(self, values: Values | memoryview) -> list[int]:
        """Return each value's slot, relative to the section's start."""
        slots, steps = self._slots, self._steps
        return [slots[bisect_right(steps, value)] if value == value else 0 for value in self._rounded(values)]

    def counts(self, values: Values) -> Mapping[int, int]:
        """Return how many values fall into each slot, if any; to sort them is quicker than to bisect for each."""
        numbers = self._rounded(values)
        present = sorted([number for number in numbers if number == number] if isnan(sum(numbers)) else numbers)
        reached = [len(present) - bisect_left(present, step) for step in self.steps]
        return self.counts_of(len(numbers), reached)

    @cached_property
    def steps(self) -> Sequence[float]:
        """The least values of each slot but that of what is missing, in the feature's own precision."""
        steps = [-inf, *self._steps]
        return steps if self.datatype is Datatype.FP64 else [single_at(step) for step in steps]

    def counts_of(self, rows: int, reached: Sequence[int]) -> dict[int, int]:
        """Return how many of the rows fall into each slot, if any; `reached` says how many reach each step."""
        counted: dict[int, int] = {}
        for slot, (here, beyond) in zip((0, *self._slots), pairwise((rows, *reached, 0)), strict=True):
            if here > beyond:
                counted[slot] = counted.get(slot, 0) + here - beyond
        return counted

    def _rounded(self, values: Values | memoryview) -> Sequence[float]:
        """Return numbers in the feature's own precision, NaN for missing; what exceeds it is infinite."""
        if isinstance(values, memoryview):
            numbers: list[Any] = values.tolist()
            return numbers if values.format == self._code else array(self._code, numbers)
        try:
            return array(self._code, values)  # type: ignore[arg-type]  # what it does not take is told below
        except TypeError:
            return array(self._code, [nan if value is None else float(value) for value in values])


class LeanTexts:
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

    def counts(self, values: Values) -> Mapping[int, int]:
        """Return how many values fall into each slot, if any."""
        return Counter(self.slots(values))


LeanBins = LeanNumbers | LeanTexts


def lean_bins(said: Mapping[str, Any]) -> LeanBins:
    """Return the bins that `layout_document` says."""
    kind = said.get("kind", "category" if "categories" in said else "number")
    if kind == "number":
        return LeanNumbers(said)
    if kind == "text":
        return LeanTexts({}, text_slot, len(TEXT_CLASSES) * len(LENGTHS) + _SPECIAL)
    if kind == "date":
        return _dates(LeanNumbers(said))
    known = {category: slot for slot, category in enumerate(said["categories"], _SPECIAL)}
    behind = len(known) + _SPECIAL
    rarer = said.get("rarer")
    if not rarer:
        return LeanTexts(known, lambda _text: 1, behind + (rarer is not None))
    remembered = Remembered(rarer)
    return LeanTexts(known, lambda text: behind if text in remembered else 1, behind + 1)


def _dates(instants: LeanNumbers) -> LeanTexts:
    def slot(text: str) -> int:
        instant = instant_of(text)
        return instants.width if instant is None else instants.slots([instant])[0]

    return LeanTexts({}, slot, instants.width + 1)
