"""The bins of one column: which slot each value counts into, and what the slots mean.

Every kind has the reference's own bins in the middle (`inner`), what is missing in its first slot, and before and
behind the inner bins what lies outside the reference. Nobody else needs to know a slot by its number: `specials`
names them, and `absent` and `outside` add up those that mean that a value is missing, or unlike the reference's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from serinus.domain.signature import Datatype
from serinus.domain.slotting import LENGTHS, TEXT_CLASSES, Range, Remembered, instant_of, stepped, text_slot
from serinus.domain.steps import Numbers, Steps
from serinus.domain.table import Column

Counts = npt.NDArray[np.int64]
Slots = npt.NDArray[np.int64]


class Special(StrEnum):
    """What a slot means that is none of the reference's bins."""

    MISSING = "missing"
    NOT_A_NUMBER = "not a number"
    EMPTY = "empty"
    BELOW = "below"
    ABOVE = "above"
    NEGATIVE_INFINITE = "-infinite"
    POSITIVE_INFINITE = "+infinite"
    UNDER_DECLARED = "under the declared range"
    OVER_DECLARED = "over the declared range"
    UNSEEN = "unseen"
    OTHER = "other"
    INVALID = "no date"


ABSENT = frozenset({Special.MISSING, Special.NOT_A_NUMBER})
OUTSIDE = frozenset(Special) - ABSENT - {Special.EMPTY, Special.OTHER}  # others are the reference's rarer ones


@dataclass(frozen=True)
class NumericBins:
    """Bins of a number: missing, below, [e0, e1), …, [ek-1, ek], above. One edge makes one bin for just that value.

    Values are compared in the feature's own precision, so that a float32 on the wire meets the edge it came from.

    Attributes:
        edges: of the inner bins, rising.
        declared: the least and the greatest value that the column may hold, where somebody says so.
        detailed: whether what is not a number (where that can be told from missing), infinite or out of the declared
            range has slots of its own, behind the others. Otherwise infinite values lie below or above.
    """

    name: str
    edges: tuple[float, ...]
    datatype: Datatype = Datatype.FP64
    declared: Range = (None, None)
    detailed: bool = False

    SPECIAL = 2  # slots before the first inner bin

    @property
    def width(self) -> int:
        """How many slots the bins take."""
        return self.inner_width + (8 if self.detailed else 3)

    @property
    def inner_width(self) -> int:
        """How many bins lie between the edges."""
        return max(len(self.edges) - 1, 1)

    @property
    def inner(self) -> slice[int, int, None]:
        """The slots of the bins between the edges."""
        return slice(self.SPECIAL, self.SPECIAL + self.inner_width)

    @cached_property
    def specials(self) -> Mapping[Special, int]:
        """The other slots, by what they mean."""
        above = self.inner.stop
        plain = {Special.MISSING: 0, Special.BELOW: 1, Special.ABOVE: above}
        if not self.detailed:
            return plain
        return plain | {
            Special.NEGATIVE_INFINITE: above + 1,
            Special.POSITIVE_INFINITE: above + 2,
            Special.UNDER_DECLARED: above + 3,
            Special.OVER_DECLARED: above + 4,
            Special.NOT_A_NUMBER: above + 5,
        }

    def slots(self, column: Column | Numbers) -> Slots:
        """Return each value's slot, relative to the section's start. NaN is missing."""
        values = self._precise(column)
        steps, slot_of = self._steps
        slots: Slots = slot_of.take(steps.places(values))
        absent = np.isnan(values)
        if absent.any():
            slots[absent] = 0
        return slots

    def counts(self, column: Column | Numbers) -> Counts:
        """Return how many values fall into each slot, [width], faster than `slots` tells of each."""
        steps, slot_of = self._steps
        in_places = steps.counts(self._precise(column))
        counts = np.bincount(slot_of, weights=in_places, minlength=self.width).astype(np.int64)
        counts[0] += len(column) - int(in_places.sum())
        return counts

    def holds_one_value(self, slot: int) -> bool:
        """Whether only one value falls into an inner bin."""
        if len(self.edges) == 1:
            return True
        kind = precision(self.datatype)
        low, high = (kind(edge) for edge in self.edges[slot - self.SPECIAL : slot - self.SPECIAL + 2])
        last = slot == self.inner.stop - 1
        return bool(low == high if last else np.nextafter(low, kind(np.inf)) >= high)

    def rising(self, counts: Counts) -> Counts:
        """Return counts from below to above, what is infinite or out of the declared range at the ends.

        [..., width] → [..., inner bins + 2]; what is missing is left out.
        """
        ends = counts[..., self.SPECIAL - 1 : self.inner.stop + 1].copy()
        if self.detailed:
            above = self.inner.stop
            ends[..., 0] += counts[..., above + 1] + counts[..., above + 3]
            ends[..., -1] += counts[..., above + 2] + counts[..., above + 4]
        return ends

    def _precise(self, column: Column | Numbers) -> Numbers:
        with np.errstate(over="ignore"):  # beyond FP32 is infinite, as it is for the model
            values = np.asarray(column, dtype=None if column.dtype == np.float32 else np.float64)
            exact: Numbers = values.astype(precision(self.datatype), copy=False)
        return exact

    @cached_property
    def _steps(self) -> tuple[Steps, Slots]:
        """The steps between slots, and the slot of each place between them."""
        kind = precision(self.datatype)
        with np.errstate(over="ignore"):
            edges = np.asarray(self.edges, dtype=kind).astype(np.float64).tolist()
            low, high = (None if bound is None else float(kind(bound)) for bound in self.declared)
            steps, slots = stepped(edges, (low, high), detailed=self.detailed)
            # A step is the first value at or above it in the feature's precision: beyond FP32 that is infinity.
            exact = np.array(steps)
            rounded = exact.astype(kind)
            firsts = np.where(np.less(rounded, exact), np.nextafter(rounded, kind(np.inf)), rounded)
        return Steps(firsts, edges[0], edges[-1]), np.array(slots)


@dataclass(frozen=True)
class CategoricalBins:
    """Bins of a category: missing, unseen, the reference's most frequent categories, others of the reference.

    Attributes:
        categories: most frequent first.
        rarer: the reference's other categories, as `slotting.remembered` keeps them; `None` where nothing tells them
            from unseen ones, which then share a slot.
    """

    name: str
    categories: tuple[str, ...]
    rarer: str | None = None

    SPECIAL = 2  # slots before the first category

    @property
    def width(self) -> int:
        """How many slots the bins take."""
        return self.inner.stop + (self.rarer is not None)

    @property
    def inner(self) -> slice[int, int, None]:
        """The slots of the categories."""
        return slice(self.SPECIAL, self.SPECIAL + len(self.categories))

    @cached_property
    def specials(self) -> Mapping[Special, int]:
        """The other slots, by what they mean."""
        others = {} if self.rarer is None else {Special.OTHER: self.inner.stop}
        return {Special.MISSING: 0, Special.UNSEEN: 1} | others

    @cached_property
    def _slot_of(self) -> dict[str, int]:
        return {category: index + self.SPECIAL for index, category in enumerate(self.categories)}

    @cached_property
    def _rarer(self) -> Remembered:
        return Remembered(self.rarer or "")

    def slot(self, category: str) -> int:
        """Return a category's slot, relative to the section's start."""
        found = self._slot_of.get(category)
        if found is None:
            return self.inner.stop if category in self._rarer else 1
        return found

    def slots(self, column: Column) -> Slots:
        """Return each value's slot, relative to the section's start. `None` and NaN are missing."""
        return _each_text(column, self.slot)


@dataclass(frozen=True)
class TextBins:
    """Bins of free text, of which no value is kept: missing, empty, then what it is made of by how long it is."""

    name: str

    SPECIAL = 2

    @property
    def width(self) -> int:
        """How many slots the bins take."""
        return self.inner.stop

    @property
    def inner(self) -> slice[int, int, None]:
        """The slots of a class of texts by bins of length, class after class."""
        return slice(self.SPECIAL, self.SPECIAL + len(TEXT_CLASSES) * len(LENGTHS))

    @property
    def kinds(self) -> Sequence[str]:
        """What falls into each inner bin, in words."""
        ends = [f"{start} to {end - 1}" for start, end in pairwise(LENGTHS)]
        return [f"{kind} of {length}" for kind in TEXT_CLASSES for length in (*ends, f"{LENGTHS[-1]} or more")]

    @property
    def specials(self) -> Mapping[Special, int]:
        """The other slots, by what they mean."""
        return {Special.MISSING: 0, Special.EMPTY: 1}

    def slot(self, text: str) -> int:
        """Return a text's slot, relative to the section's start."""
        return text_slot(text)

    def slots(self, column: Column) -> Slots:
        """Return each value's slot, relative to the section's start. `None` and NaN are missing."""
        return _each_text(column, text_slot)


@dataclass(frozen=True)
class DateBins:
    """Bins of ISO 8601 dates and instants: missing, before, the reference's times, after, what is no date.

    Attributes:
        edges: of the inner bins, in seconds since 1970, rising.
    """

    name: str
    edges: tuple[float, ...]

    SPECIAL = 2

    @property
    def width(self) -> int:
        """How many slots the bins take."""
        return self.inner.stop + 2

    @property
    def inner(self) -> slice[int, int, None]:
        """The slots of the bins between the edges."""
        return self.instants.inner

    @property
    def specials(self) -> Mapping[Special, int]:
        """The other slots, by what they mean."""
        after = self.inner.stop
        return {Special.MISSING: 0, Special.BELOW: 1, Special.ABOVE: after, Special.INVALID: after + 1}

    @cached_property
    def instants(self) -> NumericBins:
        """The bins of the same instants as numbers, in seconds since 1970."""
        return NumericBins(self.name, self.edges)

    def slot(self, text: str) -> int:
        """Return a text's slot, relative to the section's start."""
        instant = instant_of(text)
        return self.inner.stop + 1 if instant is None else int(self.instants.slots(np.array([instant]))[0])

    def slots(self, column: Column) -> Slots:
        """Return each value's slot, relative to the section's start. `None` and NaN are missing."""
        said = [None if value is None or value != value else instant_of(str(value)) for value in column.tolist()]
        slots = self.instants.slots(np.array([np.nan if value is None else value for value in said]))
        invalid = [
            at
            for at, (value, text) in enumerate(zip(said, column.tolist(), strict=True))
            if value is None and text is not None and text == text
        ]
        slots[invalid] = self.inner.stop + 1
        return slots


Bins = NumericBins | CategoricalBins | TextBins | DateBins


def absent(bins: Bins, counts: Counts) -> Counts:
    """Count what is missing, [..., slots] → [...].

    >>> absent(NumericBins("x", (0.0, 1.0)), np.array([3, 0, 5, 2]))
    array(3)
    """
    return _summed(bins, counts, ABSENT)


def outside(bins: Bins, counts: Counts) -> Counts:
    """Count what lies outside the reference, or is nothing that the column may hold, [..., slots] → [...].

    >>> outside(NumericBins("x", (0.0, 1.0)), np.array([3, 0, 5, 2]))
    array(2)
    """
    return _summed(bins, counts, OUTSIDE)


def constant(bins: Bins, counts: Counts) -> bool | None:
    """Whether all values that there are, are one and the same; `None` where the counts cannot tell.

    >>> constant(NumericBins("x", (3.0,)), np.array([3, 0, 5, 0])), constant(TextBins("x"), np.array([0, 0, 7]))
    (True, None)
    """
    present = counts.copy()
    present[[slot for special, slot in bins.specials.items() if special in ABSENT]] = 0
    filled = np.flatnonzero(present)
    if filled.size != 1:
        return False if filled.size else None
    slot = int(filled[0])
    if slot not in range(bins.inner.start, bins.inner.stop) or isinstance(bins, TextBins | DateBins):
        return None
    return True if isinstance(bins, CategoricalBins) or bins.holds_one_value(slot) else None


def precision(datatype: Datatype) -> type[np.float32] | type[np.float64]:
    """Return the precision in which values of that type are compared."""
    return np.float32 if datatype in {Datatype.FP32, Datatype.FP16} else np.float64


def _summed(bins: Bins, counts: Counts, meaning: frozenset[Special]) -> Counts:
    slots = [slot for special, slot in bins.specials.items() if special in meaning]
    return np.asarray(counts[..., slots].sum(axis=-1), dtype=np.int64)


def _each_text(column: Column, slot_of: Callable[[str], int]) -> Slots:
    """Return the slot of each text; each different one is looked at once."""
    known: dict[object, int] = {None: 0}
    slots = np.empty(len(column), dtype=np.int64)
    for row, value in enumerate(column.tolist()):
        slot = known.get(value)
        if slot is None:
            slot = known[value] = 0 if value != value else slot_of(str(value))
        slots[row] = slot
    return slots
