"""The distributions of a profile as a page draws them: few groups, and the share of each, before and now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from serinus.domain.bins import Bins, Counts, DateBins, NumericBins, Special, TextBins, precision
from serinus.domain.grouping import grouped, groups_of

_NAMED = 3  # categories of one group that are named


@dataclass(frozen=True)
class Group:
    """A group of values, and which share of the rows it has."""

    label: str
    reference: float
    live: float


def distribution(bins: Bins, reference: Counts, live: Counts) -> tuple[Group, ...]:
    """Return the shares of a column's groups; special ones that neither side has are left out."""
    groups = groups_of(bins, reference)
    before, after = (grouped(groups, counts) for counts in (reference, live))
    members = [np.flatnonzero(groups == number).tolist() for number in range(int(groups.max()) + 1)]
    shares = [counts / max(int(counts.sum()), 1) for counts in (before, after)]
    return tuple(
        Group(_label(bins, slots), float(shares[0][number]), float(shares[1][number]))
        for number, slots in enumerate(members)
        if slots[0] in range(bins.inner.start, bins.inner.stop) or before[number] + after[number] > 0
    )


def _label(bins: Bins, slots: Sequence[int]) -> str:
    """Say what falls into a group of slots, which are all special, or none is."""
    special = {slot: meaning for meaning, slot in bins.specials.items()}
    if slots[0] in special:
        return ", ".join(_special(bins, special[slot]) for slot in slots)
    first, last = slots[0] - bins.inner.start, slots[-1] - bins.inner.start
    if isinstance(bins, NumericBins):
        return _range([_plain(edge, bins) for edge in bins.edges], first, last, "{:.4g}".format)
    if isinstance(bins, DateBins):
        return _range(bins.edges, first, last, _day)
    if isinstance(bins, TextBins):
        return _named(bins.kinds[first : last + 1])
    return _named(bins.categories[first : last + 1])


def _special(bins: Bins, meaning: Special) -> str:
    if isinstance(bins, NumericBins | DateBins):
        spelled = _day if isinstance(bins, DateBins) else lambda edge: f"{_plain(edge, bins):.4g}"
        if meaning is Special.BELOW:
            return f"< {spelled(bins.edges[0])}"
        if meaning is Special.ABOVE:
            return f"> {spelled(bins.edges[-1])}"
    return str(meaning)


def _plain(edge: float, bins: Bins) -> float:
    """Return an edge for the eye: what only parts 0 from the numbers beside it is 0."""
    least = np.finfo(precision(bins.datatype)).tiny if isinstance(bins, NumericBins) else 0.0
    return 0.0 if abs(edge) < least else edge


def _range(edges: Sequence[float], first: int, last: int, spelled: Callable[[float], str]) -> str:
    low, high = edges[first], edges[min(last + 1, len(edges) - 1)]
    one = np.isclose(low, high, rtol=1e-6, atol=0)
    return spelled(low) if one else f"{spelled(low)} – {spelled(high)}"


def _day(seconds: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).date().isoformat()


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
