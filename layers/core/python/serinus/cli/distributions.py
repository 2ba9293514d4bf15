"""The distributions of a profile as a page draws them: few groups, and the share of each, before and now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serinus.domain.grouping import grouped, groups_of
from serinus.domain.profile import Bins, Counts, NumericBins

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
    labels = _labels(bins, groups.tolist())
    shares = [counts / max(int(counts.sum()), 1) for counts in (before, after)]
    special = {0, 1, len(labels) - 1} if isinstance(bins, NumericBins) else {0, 1}
    return tuple(
        Group(label, float(shares[0][number]), float(shares[1][number]))
        for number, label in enumerate(labels)
        if number not in special or before[number] + after[number] > 0
    )


def _labels(bins: Bins, groups: Sequence[int]) -> list[str]:
    members = [[slot for slot, group in enumerate(groups) if group == number] for number in range(max(groups) + 1)]
    if isinstance(bins, NumericBins):
        inner = [_range(bins, slots[0] - bins.SPECIAL, slots[-1] - bins.SPECIAL) for slots in members[2:-1]]
        return ["missing", f"< {bins.edges[0]:.4g}", *inner, f"> {bins.edges[-1]:.4g}"]
    return [
        "missing",
        "other",
        *(_named([bins.categories[slot - bins.SPECIAL] for slot in slots]) for slots in members[2:]),
    ]


def _range(bins: NumericBins, first: int, last: int) -> str:
    low, high = bins.edges[first], bins.edges[min(last + 1, len(bins.edges) - 1)]
    return f"{low:.4g}" if np.isclose(low, high, rtol=1e-6, atol=0) else f"{low:.4g} – {high:.4g}"


def _named(categories: Sequence[str]) -> str:
    more = f" and {len(categories) - _NAMED} more" if len(categories) > _NAMED else ""
    return ", ".join(categories[:_NAMED]) + more
