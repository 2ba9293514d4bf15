"""Few groups of about equal weight in place of many bins: more bins only add noise to small windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import ABSENT, OUTSIDE, Bins, Counts

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
        np.empty(0, dtype=np.int64) if section is None else _starts(groups_of(section.bins, weights[section.slots]))
        for section in sections
    ]
    sizes = np.array([len(each) for each in starts])
    exists = np.arange(max(int(sizes.max(initial=0)), 1)) < sizes[:, None]
    missing, unseen = np.zeros(exists.shape, dtype=bool), np.zeros(exists.shape, dtype=bool)
    begins: list[Groups] = []
    ends: list[Groups] = []
    for at, (section, first) in enumerate(zip(sections, starts, strict=True)):
        if section is not None:
            meaning = {slot: special for special, slot in section.bins.specials.items()}
            told = [meaning.get(slot) for slot in first.tolist()]
            missing[at, : len(first)] = [special in ABSENT for special in told]
            unseen[at, : len(first)] = [special in OUTSIDE for special in told]
            begins.append(first + section.slots.start)
            ends.append(np.append(first[1:], section.bins.width) + section.slots.start)
    return Grouping(np.concatenate(begins), np.concatenate(ends), exists, missing, unseen)


def groups_of(bins: Bins, reference: Counts) -> Groups:
    """Assign each slot to a group: inner bins into runs of about equal reference share.

    Special slots are alone, but for those of infinite values and of those out of the declared range, which are rare.

    Args:
        bins: of a feature or of the score.
        reference: its counts, special slots included, [bins.width].
    """
    inner = reference[bins.inner]
    total = max(int(inner.sum()), 1)
    before = np.cumsum(inner) - inner
    runs = np.minimum(before * _GROUPS // total, _GROUPS - 1)
    begins = np.ones(bins.width, dtype=np.int64)
    begins[bins.inner.start + 1 : bins.inner.stop] = runs[1:] != runs[:-1]
    begins[bins.inner.stop + 1 :] = np.diff(_behind(bins))
    return np.cumsum(begins) - 1


def _behind(bins: Bins) -> Groups:
    """Group what lies behind the inner bins: the first slot alone, then runs that are all absent, or all are not."""
    meanings = [
        meaning for meaning, slot in sorted(bins.specials.items(), key=itemgetter(1)) if slot >= bins.inner.stop
    ]
    kinds = [(at > 0) + (meaning in ABSENT) for at, meaning in enumerate(meanings)]
    return np.array(kinds, dtype=np.int64)


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
