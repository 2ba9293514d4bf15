"""What an endpoint's earlier windows tell: how far windows stray without drift, and what a day of the week explains.

Windows a day apart at the same hours have the daily season in common. What is left is the day of the week, which
can be told once each has been seen a few times, and chance.

A drift that lasts must not become the noise it is measured by. So the latest two weeks of windows tell nothing while
enough others do; and those others are a release's first, from just after its model was validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serinus.domain.bins import Counts
from serinus.domain.chance import Noise, Reals, noise_between, noise_of_pairs
from serinus.domain.profile import Profile

MINIMUM_PAST_WINDOWS = 8  # fewer tell too little of how windows differ
MOST_PAST_WINDOWS = 56  # every day of the week eight times
WEEK = 7  # days
_LATEST = 14  # days, which may have drifted
_ENOUGH = 28  # windows that tell without the latest
_OF_A_DAY = 3  # windows of each day of the week, before their days are told apart


@dataclass(frozen=True, eq=False)
class PastWindow:
    """An earlier window of the same length and the same hours as the one that is judged."""

    days_before: int
    profile: Profile


def telling(past: Sequence[PastWindow], *, minimum_rows: int) -> Sequence[PastWindow]:
    """Return the windows with enough rows, or none where they are too few to tell how far windows stray."""
    known = [window for window in past if window.profile.rows >= minimum_rows]
    return known if len(known) >= MINIMUM_PAST_WINDOWS else []


def settled(known: Sequence[PastWindow]) -> Sequence[PastWindow]:
    """Return the windows without the latest, if enough are left.

    >>> from serinus.domain.profile import Layout, NumericBins, empty
    >>> nobody = empty(Layout(NumericBins("latency_ms", (0.0,)), NumericBins("score", (0.0,)), ()))
    >>> [len(settled([PastWindow(day, nobody) for day in range(1, days)])) for days in (29, 42, 43, 57)]
    [28, 41, 28, 42]
    """
    earlier = [window for window in known if window.days_before > _LATEST]
    return earlier if len(earlier) >= _ENOUGH else known


def telling_weeks(past: Sequence[PastWindow], *, minimum_rows: int) -> bool:
    """Whether enough windows are known with one a week before them to tell how far windows stray from last week's.

    >>> from serinus.domain.profile import Layout, NumericBins, empty
    >>> nobody = empty(Layout(NumericBins("latency_ms", (0.0,)), NumericBins("score", (0.0,)), ()))
    >>> known = [PastWindow(day, nobody) for day in range(1, 16)]
    >>> telling_weeks(known, minimum_rows=0), telling_weeks(known[:14], minimum_rows=0)
    (True, False)
    """
    days = {window.days_before for window in past if window.profile.rows >= minimum_rows}
    return sum(day + WEEK in days for day in days) >= MINIMUM_PAST_WINDOWS


def week_before(past: Sequence[PastWindow], layout_digest: str, *, minimum_rows: int) -> Profile | None:
    """Return the same hours of last week, where they were counted alike and have enough rows."""
    found = (window.profile for window in past if window.days_before == WEEK)
    return next((each for each in found if each.layout.digest == layout_digest and each.rows >= minimum_rows), None)


@dataclass(frozen=True, eq=False)
class PastCounts:
    """The groups of past windows.

    Attributes:
        counts: [windows, ..., groups].
        days_before: [windows].
        alike: whether the groups are those of the window that is judged, and may be compared with its own.
    """

    counts: Counts
    days_before: Counts
    alike: bool

    @property
    def seasons(self) -> Counts | None:
        """The day of the week of each window, where each day has been seen often enough to be told apart."""
        days = self.days_before % WEEK
        seen = np.unique(days, return_counts=True)
        told = self.alike and 0 in seen[0] and len(seen[0]) > 1 and bool(np.all(seen[1] >= _OF_A_DAY))
        return days if told else None

    def noise(self, live: Counts) -> Noise:
        """Return how far windows stray from those of their day of the week.

        What days have in common strays shares by as much however many rows there are. So of a window with more rows
        than past ones had, each tells less.
        """
        found = noise_between(self.counts, self.seasons)
        usual = self.counts.sum(axis=(0, -1)) / max(len(self.counts), 1)
        more = np.maximum(live.sum(axis=-1) / np.maximum(usual, 1), 1.0)
        return found.times((1 + (found.design_effect - 1) * more) / found.design_effect)

    def noise_of_weeks(self) -> Noise:
        """Return how far a window strays from the same hours of the week before."""
        at = {int(days): number for number, days in enumerate(self.days_before)}
        days_before = [days for days in sorted(at) if days + WEEK in at]
        earlier_ones = [days for days in days_before if days > _LATEST]
        told = earlier_ones if len(earlier_ones) >= _ENOUGH else days_before
        pairs = [(at[days], at[days + WEEK]) for days in told]
        later, earlier = ([pair[side] for pair in pairs] for side in (0, 1))
        return noise_of_pairs(self.counts[later], self.counts[earlier])

    def expected(self, reference: Counts) -> Reals:
        """Return what the reference lets expect on the live window's day of the week, as counts, [..., groups].

        The day's windows differ from the average past window; that much is added to the reference's shares. They
        are few, so the result tells no more than both together do: 1/rows is the sum of both.
        """
        seasons = self.seasons
        if seasons is None:
            return reference.astype(np.float64)
        of_day, usual = self.counts[seasons == 0].sum(axis=0), self.counts.sum(axis=0)
        rows, of_day_rows, usual_rows = (
            np.maximum(counts.sum(axis=-1, keepdims=True), 1) for counts in (reference, of_day, usual)
        )
        shares = np.maximum(reference / rows + of_day / of_day_rows - usual / usual_rows, 0.0)
        shares = shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1e-12)
        return np.asarray(shares / (1 / rows + 1 / of_day_rows))
