"""Slices that a profile counts apart: every row is in just one of each slicing, told by the bin of one feature."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from serinus.domain.bins import Bins, CategoricalBins, NumericBins, Slots, Special
from serinus.domain.feature_columns import spelled_out
from serinus.domain.policy import Slicing
from serinus.errors import DataRefused

MOST_SLICES = 20  # of one slicing, what is missing and all others apart
MISSING, OTHER = "(missing)", "(other)"


@dataclass(frozen=True)
class SlicedBy:
    """A slicing by a feature. A slice is a set of that feature's slots, so that logged bin numbers tell it as well.

    Attributes:
        feature: by whose values rows are sliced.
        names: of the slices.
        of_slot: which slice each slot of the feature's section belongs to.
    """

    feature: str
    names: tuple[str, ...]
    of_slot: tuple[int, ...]

    @cached_property
    def slices(self) -> Slots:
        """`of_slot` as an array, [slots of the feature]."""
        return np.array(self.of_slot, dtype=np.int64)


def profiled(slicings: Sequence[Slicing]) -> Mapping[str, Slicing]:
    """Return the slicings that profiles follow, by column."""
    return {slicing.column: slicing for slicing in slicings if slicing.profiled}


def sliced_by(slicing: Slicing, bins: Mapping[str, Bins]) -> SlicedBy:
    """Return how the slots of a feature make slices: 20 by category at the most, or those between the edges.

    Raises:
        DataRefused: the column is no feature, or its values make no slices.
    """
    column = bins.get(slicing.column)
    if column is None:
        raise DataRefused(
            f"[[slices]] has profiles follow {slicing.column!r}, which is no feature of the model: profiles see only "
            "features; say profiled = false there, or take the column into the model"
        )
    if isinstance(column, NumericBins):
        return _by_edges(slicing, column) if slicing.edges else _by_value(column)
    if isinstance(column, CategoricalBins) and not slicing.edges:
        return _named(column, column.categories)
    raise DataRefused(
        f"[[slices]] has profiles follow {slicing.column!r}, whose values make no slices: slice by categories "
        "without edges, or by numbers with edges"
    )


def _named(bins: Bins, names: Sequence[str]) -> SlicedBy:
    """Make a slice of each of the first inner bins that has a name; all others are one."""
    found = tuple([name for name in names if name][:MOST_SLICES])
    number = {name: position for position, name in enumerate(found)}
    of_slot = [len(found) + 1] * bins.width
    for slot, name in enumerate(names, bins.inner.start):
        of_slot[slot] = number.get(name, len(found) + 1)
    _miss(of_slot, bins, len(found))
    return SlicedBy(bins.name, (*found, MISSING, OTHER), tuple(of_slot))


def _by_value(bins: NumericBins) -> SlicedBy:
    """Make slices of the bins that hold just one value each."""
    if len(bins.edges) == 1:
        return _named(bins, _spelled(bins.edges))
    alone = [bins.holds_one_value(slot) for slot in range(bins.inner.start, bins.inner.stop)]
    names = [name if one else "" for name, one in zip(_spelled(bins.edges[:-1]), alone, strict=True)]
    return _named(bins, names)


def _by_edges(slicing: Slicing, bins: NumericBins) -> SlicedBy:
    """Slice between edges, which the bins have among their own."""
    spelled = _spelled(slicing.edges)
    names = (
        f"below {spelled[0]}",
        *(f"{low} to {high}" for low, high in pairwise(spelled)),
        f"{spelled[-1]} and above",
    )
    low, high = bins.declared
    if (low is not None and low > slicing.edges[0]) or (high is not None and high < slicing.edges[-1]):
        raise DataRefused(
            f"[[slices]] cuts {slicing.column!r} at {', '.join(spelled)}, outside its declared range: change either"
        )
    of_slot = [0] * bins.width
    lowest = bins.edges[:-1] if len(bins.edges) > 1 else bins.edges
    for slot, edge in enumerate(lowest, bins.inner.start):
        of_slot[slot] = bisect_right(slicing.edges, edge)
    for special in (Special.ABOVE, Special.POSITIVE_INFINITE, Special.OVER_DECLARED):
        of_slot[bins.specials[special]] = len(slicing.edges)
    _miss(of_slot, bins, len(names))
    return SlicedBy(bins.name, (*names, MISSING), tuple(of_slot))


def _miss(of_slot: list[int], bins: Bins, number: int) -> None:
    for special in (Special.MISSING, Special.NOT_A_NUMBER):
        if special in bins.specials:
            of_slot[bins.specials[special]] = number


def _spelled(edges: Sequence[float]) -> list[str]:
    return [str(text) for text in spelled_out(np.array(edges, dtype=np.float64)).tolist()]
