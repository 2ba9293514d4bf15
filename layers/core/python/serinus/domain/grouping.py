"""Few groups of about equal weight in place of many bins: more bins only add noise to small windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.profile import Bins, Counts, NumericBins

Groups = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_GROUPS = 10  # the customary number for PSI


@dataclass(frozen=True)
class Section:
    """Where the slots of a column lie in a profile's counts; the same bins may be counted by several layouts."""

    bins: Bins
    slots: slice


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups of several columns at once: the slots of each, and its place in a table of columns by groups.

    Attributes:
        begins: the first slot of each group, [all groups].
        ends: the slot behind its last, [all groups].
        exists: whether there is such a group, or only padding, [columns, groups].
        missing: whether it holds what is missing, [columns, groups].
        unseen: whether it holds values outside the reference, [columns, groups].
    """

    begins: Groups
    ends: Groups
    exists: Mask
    missing: Mask
    unseen: Mask

    def counted(self, counts: Counts) -> Counts:
        """Add up the slots of each group, [..., slots] → [..., columns, groups]."""
        before = np.zeros((*counts.shape[:-1], counts.shape[-1] + 1), dtype=np.int64)
        np.cumsum(counts, axis=-1, out=before[..., 1:])
        table = np.zeros((*counts.shape[:-1], *self.exists.shape), dtype=np.int64)
        table[..., self.exists] = before[..., self.ends] - before[..., self.begins]
        return table


def grouping(sections: Sequence[Section | None], weights: Counts) -> Grouping:
    """Group the slots of each column; of one that is `None` there are no groups.

    Args:
        sections: where the columns' slots lie.
        weights: the counts by which groups get about equal weight, [slots].
    """
    starts = [
        np.empty(0, dtype=np.int64)
        if section is None
        else _starts(groups_of(section.bins, weights[section.slots])) + section.slots.start
        for section in sections
    ]
    stops = [0 if section is None else section.slots.stop for section in sections]
    ends = [np.append(each[1:], stop)[: len(each)] for each, stop in zip(starts, stops, strict=True)]
    sizes = np.array([len(each) for each in starts])
    numeric = np.array([section is not None and isinstance(section.bins, NumericBins) for section in sections])
    group = np.arange(max(int(sizes.max(initial=0)), 1))
    exists = group < sizes[:, None]
    above = (group == sizes[:, None] - 1) & numeric[:, None]
    return Grouping(
        np.concatenate(starts), np.concatenate(ends), exists, exists & (group == 0), exists & ((group == 1) | above)
    )


def groups_of(bins: Bins, reference: Counts) -> Groups:
    """Assign each slot to a group: special slots alone, inner bins into runs of about equal reference share.

    Args:
        bins: of a feature or of the score.
        reference: its counts, special slots included, [bins.width].
    """
    special = bins.SPECIAL
    inner = reference[special:-1] if isinstance(bins, NumericBins) else reference[special:]
    total = max(int(inner.sum()), 1)
    before = np.cumsum(inner) - inner
    runs = np.minimum(before * _GROUPS // total, _GROUPS - 1)
    starts_run = np.ones(bins.width, dtype=np.int64)
    starts_run[special + 1 : special + len(inner)] = runs[1:] != runs[:-1]
    return np.cumsum(starts_run) - 1


def grouped(groups: Groups, counts: Counts) -> Counts:
    """Add up the slots of each group, [..., slots] → [..., groups].

    Args:
        groups: which group each slot belongs to, never falling, [slots].
        counts: of the slots.

    >>> grouped(np.array([0, 1, 1]), np.array([[1, 2, 3], [4, 5, 6]]))
    array([[ 1,  5],
           [ 4, 11]])
    """
    return np.add.reduceat(counts, _starts(groups), axis=-1)


def _starts(groups: Groups) -> Groups:
    return np.flatnonzero(np.diff(groups, prepend=-1))
