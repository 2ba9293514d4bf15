"""Has live traffic left the population that the model was validated on? Answered from profiles.

A column has drifted where its shift is *both* beyond chance and of practical size. Beyond chance: the window's χ²,
against the noise that the counts themselves show (`chance`), is less likely than the false alarms allow that the
policy grants the endpoint. Of practical size: the shift, less what chance alone makes of it, exceeds the policy's
limit. A large window alone makes no drift of a trifle, and a small one none of an accident.

While fewer than eight earlier windows are known, nothing tells how far one day strays from the next. A distribution
then counts as drifted only where it exceeds five times the limit: a value that changed its unit, not a Sunday.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from serinus.domain.bins import absent, outside
from serinus.domain.chance import Noise, chance_of, noise_between, noise_within
from serinus.domain.distances import (
    cramers_v,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    wasserstein,
)
from serinus.domain.grouping import grouped, groups_of
from serinus.domain.policy import DriftLimits
from serinus.domain.profile import Bins, Counts, NumericBins, Profile

MINIMUM_PAST_WINDOWS = 8  # fewer tell too little of how windows differ
_MINUTES_A_YEAR = 525_600
_ASPECTS = 3  # of each column: its distribution, what is missing, what is unseen
_MISSING, _UNSEEN = 0, 1
_UNPROVEN = 5.0  # how many times the limit counts while nothing tells how far windows stray from each other

_Regroup = Callable[[Bins, Counts, Counts], Counts]  # by the reference, [..., slots] → [..., groups]


class Moved(StrEnum):
    """In what respect a column has drifted."""

    DISTRIBUTION = "distribution"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Shift:
    """How far one feature, or the score, has moved.

    Attributes:
        name: the feature, or `score`.
        psi: population stability index, in nats; 0 for equal distributions.
        jensen_shannon: Jensen–Shannon distance with base 2, in [0, 1].
        hellinger: Hellinger distance, in [0, 1].
        cramers_v: effect size of χ², in [0, 1].
        kolmogorov_smirnov: of a number, in [0, 1].
        wasserstein: of a number that varies, in the reference's standard deviations.
        missing_change: how much greater the share of missing values has become.
        unseen_change: how much greater the share of values outside the reference has become: categories that it
            does not have, numbers beyond its range.
        design_effect: how many rows of the window tell as much as one independent row.
        chance: how likely a distribution as far off is without drift.
        limit: the PSI above which a shift counts.
        moved: in what respects it has drifted.
    """

    name: str
    psi: float
    jensen_shannon: float
    hellinger: float
    cramers_v: float
    kolmogorov_smirnov: float | None
    wasserstein: float | None
    missing_change: float
    unseen_change: float
    design_effect: float
    chance: float
    limit: float
    moved: tuple[Moved, ...]

    @property
    def drifted(self) -> bool:
        """Whether it has drifted in any respect."""
        return bool(self.moved)


@dataclass(frozen=True)
class DriftReport:
    """What a drift check found; `enough` is false where the window holds too few rows to say anything.

    Attributes:
        level: below which chance a shift counts as beyond it, so that false alarms stay within the policy's number.
        past_windows: how many earlier windows told how far windows stray; 0 where only the window's own periods did.
    """

    rows: int
    enough: bool
    drifted: bool
    features: tuple[Shift, ...]
    score: Shift | None
    level: float = 0.0
    past_windows: int = 0


def alarm_level(limits: DriftLimits, columns: int) -> float:
    """Return the chance below which one test of one look may raise an alarm.

    Each year's looks, and the tests of each, share the false alarms that the policy grants (Bonferroni): the expected
    number of false alarms is then no greater, however the looks and the columns depend on each other.

    >>> alarm_level(DriftLimits(every_minutes=60, false_alarms_per_year=1.0), columns=10) * 8_760 * 30
    1.0
    """
    looks = _MINUTES_A_YEAR / limits.every_minutes
    return limits.false_alarms_per_year / (looks * columns * _ASPECTS)


def compare(
    reference: Profile, periods: Sequence[Profile], limits: DriftLimits, past: Sequence[Profile] = ()
) -> DriftReport:
    """Compare a live window with the model version's reference profile.

    A feature is compared where enough rows carried it: where the policy logs no inputs, only the score is.

    Args:
        reference: what the window should be like.
        periods: the window, in consecutive periods.
        limits: the policy's.
        past: earlier windows of the same length, of one release, which may have been another; those with too few
            rows are passed over.
    """
    live = sum(periods[1:], periods[0])
    if live.rows < limits.minimum_rows:
        return DriftReport(live.rows, enough=False, drifted=False, features=(), score=None)
    layout = reference.layout
    known = telling(past, limits)
    counts = np.stack([profile.counts for profile in (reference, live, *periods)])
    earlier = np.stack([window.counts for window in known]) if known else None
    compared = [
        position
        for position in range(len(layout.features))
        if live.feature(position).sum() >= limits.minimum_rows and reference.feature(position).sum()
    ]
    level = alarm_level(limits, len(compared) + 1)

    def shift(bins: Bins, section: slice, before: tuple[Bins, slice] | None, limit: float) -> Shift:
        column = counts[:, section]
        past_of_it = None if before is None or earlier is None else _Past(before[0], earlier[:, before[1]])
        return _Column(bins, column[0], column[1], column[2:], past_of_it).shift(limits, limit, level)

    past_layout = known[0].layout if known else layout
    sections = {bins.name: (bins, past_layout.feature_section(at)) for at, bins in enumerate(past_layout.features)}
    shifts = tuple(
        shift(bins, layout.feature_section(position), sections.get(bins.name), limits.feature_psi)
        for position, bins in enumerate(layout.features)
        if position in compared
    )
    score = shift(
        layout.score, layout.score_section, (past_layout.score, past_layout.score_section), limits.score_psi
    )
    drifted = score.drifted or sum(found.drifted for found in shifts) >= limits.features
    return DriftReport(
        live.rows, enough=True, drifted=drifted, features=shifts, score=score, level=level, past_windows=len(known)
    )


def telling(past: Sequence[Profile], limits: DriftLimits) -> Sequence[Profile]:
    """Return the windows that tell how far windows stray, or none where they are too few to tell."""
    known = [window for window in past if window.rows >= limits.minimum_rows]
    return known if len(known) >= MINIMUM_PAST_WINDOWS else []


@dataclass(frozen=True, eq=False)
class _Past:
    """A column's counts in earlier windows, [windows, slots], in the bins that their release had."""

    bins: Bins
    windows: Counts


@dataclass(frozen=True, eq=False)
class _Column:
    """The counts of one column, special slots included: `periods` add up to `live`."""

    bins: Bins
    reference: Counts
    live: Counts
    periods: Counts
    past: _Past | None

    def shift(self, limits: DriftLimits, limit: float, level: float) -> Shift:
        before, after, chance, noise = self._judged(_all_groups)
        apart = psi(before, after)
        needed = limit if self.past else _UNPROVEN * limit
        moved = []
        if chance < level and apart - _psi_by_chance(before, after, noise) > needed:
            moved.append(Moved.DISTRIBUTION)
        shares = [_specials(self.bins, counts) / counts.sum() for counts in (self.reference, self.live)]
        missing, unseen = (float(shares[1][slot] - shares[0][slot]) for slot in (_MISSING, _UNSEEN))
        for aspect, slot, change in ((Moved.MISSING, _MISSING, missing), (Moved.UNSEEN, _UNSEEN, unseen)):
            if abs(change) > limits.share_change and self._judged(_alone(slot))[2] < level:
                moved.append(aspect)
        ordered = self.bins if isinstance(self.bins, NumericBins) else None
        rising = (ordered.rising(self.reference), ordered.rising(self.live)) if ordered else None
        return Shift(
            name=self.bins.name,
            psi=apart,
            jensen_shannon=jensen_shannon(before, after),
            hellinger=hellinger(before, after),
            cramers_v=cramers_v(before, after),
            kolmogorov_smirnov=kolmogorov_smirnov(*rising) if rising else None,
            wasserstein=wasserstein(ordered, *rising) if ordered and rising else None,
            missing_change=missing,
            unseen_change=unseen,
            design_effect=noise.design_effect,
            chance=chance,
            limit=needed,
            moved=tuple(moved),
        )

    def _judged(self, regroup: _Regroup) -> tuple[Counts, Counts, float, Noise]:
        """Return both samples by group, and the window's chance by the noise that excuses most, and that noise."""
        counts = regroup(self.bins, self.reference, np.vstack([self.reference, self.live, self.periods]))
        before, after = counts[0], counts[1]
        noises = [noise_within(counts[2:])]
        if self.past:
            windows = self.past.windows
            noises.append(noise_between(regroup(self.past.bins, windows.sum(axis=0), windows)))
        judged = ((chance_of(before, after, noise), noise) for noise in noises)
        chance, noise = max(judged, key=lambda found: found[0])
        return before, after, chance, noise


def _all_groups(bins: Bins, reference: Counts, counts: Counts) -> Counts:
    return grouped(groups_of(bins, reference), counts)


def _alone(slot: int) -> _Regroup:
    """Set a special slot apart from all others."""

    def regroup(bins: Bins, _reference: Counts, counts: Counts) -> Counts:
        apart = _specials(bins, counts)[..., slot]
        return np.stack([apart, counts.sum(axis=-1) - apart], axis=-1)

    return regroup


def _specials(bins: Bins, counts: Counts) -> Counts:
    """Count what is missing, and what lies outside the reference, [..., 2]."""
    return np.stack([absent(bins, counts), outside(bins, counts)], axis=-1)


def _psi_by_chance(reference: Counts, live: Counts, noise: Noise) -> float:
    """Return the PSI that two samples of one population have on average, (groups − 1)·(1/n + 1/m)·design effect."""
    groups = int(np.sum(reference + live > 0))
    return (groups - 1) * noise.design_effect * (1 / float(reference.sum()) + 1 / float(live.sum()))
