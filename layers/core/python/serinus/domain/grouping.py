"""Few groups of about equal weight in place of many bins: more bins only add noise to small windows."""

from __future__ import annotations

from operator import itemgetter

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import ABSENT, Bins, Counts

Groups = npt.NDArray[np.int64]

_GROUPS = 10  # the customary number for PSI


def groups_of(bins: Bins, reference: Counts) -> Groups:
    """Assign each slot to a group: inner bins into runs of about equal reference share.

    Special slots are alone, but for those of infinite values and of those out of the declared range, which are rare.

    Args:
        bins: of a feature or of the score.
        reference: its counts, special slots included, [bins.width].
    """
    special = bins.SPECIAL
    inner = reference[bins.inner]
    total = max(int(inner.sum()), 1)
    before = np.cumsum(inner) - inner
    runs = np.minimum(before * _GROUPS // total, _GROUPS - 1)
    _, dense = np.unique(runs, return_inverse=True)
    groups = np.concatenate([np.arange(special), dense + special])
    return np.concatenate([groups, _behind(bins) + groups.max() + 1]).astype(np.int64)


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
    return np.add.reduceat(counts, np.flatnonzero(np.diff(groups, prepend=-1)), axis=-1)
