"""How far has each column of a window moved, and is that beyond chance? All columns at once, from counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from serinus.domain.bins import Counts, NumericBins
from serinus.domain.chance import Noise, Reals, greatest_chance, noise_within
from serinus.domain.distances import (
    cramers_v,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    psi_by_chance,
    wasserstein,
)
from serinus.domain.grouping import Grouping, Mask, Section, grouping
from serinus.domain.layout import Layout
from serinus.domain.policy import Baseline, DriftLimits
from serinus.domain.profile import Profile
from serinus.domain.seasons import PastCounts, PastWindow

_UNPROVEN = 5.0  # how many times the limit counts while nothing tells how far windows stray from each other


class Moved(StrEnum):
    """In what respect a column has drifted."""

    DISTRIBUTION = "distribution"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Shift:
    """How far one feature, or the score, has moved.

    Attributes:
        name: the feature, or `score`, or what is counted jointly.
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
        importance: how much a feature matters to the model, `None` where that was not measured (see `importance`).
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
    importance: float | None = None

    @property
    def drifted(self) -> bool:
        """Whether it has drifted in any respect."""
        return bool(self.moved)

    @property
    def impact(self) -> float | None:
        """How much a feature matters times how far it has moved, by its Jensen–Shannon distance."""
        return None if self.importance is None else self.importance * self.jensen_shannon


@dataclass(frozen=True, eq=False)
class Window:
    """What is compared.

    Attributes:
        baseline: what the window should be like.
        periods: the window, in consecutive periods.
        past: the earlier windows that tell how far windows stray, of one layout; none, where too few do.
        compared_with: what the baseline is.
    """

    baseline: Profile
    periods: Sequence[Profile]
    past: Sequence[PastWindow]
    compared_with: Baseline

    @property
    def counts(self) -> Counts:
        """The counts of the baseline, of the whole window, and of each period, [2 + periods, slots]."""
        periods = np.stack([period.counts for period in self.periods])
        return np.vstack([self.baseline.counts, periods.sum(axis=0), periods])

    @property
    def days_before(self) -> Counts:
        """How many days before the window each earlier one was."""
        return np.array([window.days_before for window in self.past])

    @property
    def past_counts(self) -> Counts:
        """The counts of earlier windows, [windows, slots]."""
        none = np.empty((0, self.baseline.layout.size), dtype=np.int64)
        return np.stack([window.profile.counts for window in self.past]) if self.past else none

    @property
    def is_of_one_layout(self) -> bool:
        """Whether earlier windows were counted as this one is."""
        return bool(self.past) and self.past[0].profile.layout.digest == self.baseline.layout.digest


def sections_of(layout: Layout) -> Sequence[Section]:
    """Return where the columns lie in a layout, the score's first."""
    features = (Section(bins, layout.feature_section(at)) for at, bins in enumerate(layout.features))
    return [Section(layout.score, layout.score_section), *features]


def joint_sections_of(layout: Layout) -> Sequence[Section]:
    """Return where what is counted jointly lies in a layout; nowhere in layouts that count nothing so."""
    bins = layout.joint.bins if layout.joint else ()
    return [Section(each, layout.joint_section(at)) for at, each in enumerate(bins)]


def shifts_of(
    window: Window, columns: Sequence[Section], jointly: Sequence[Section], limits: DriftLimits, level: float
) -> Sequence[Shift]:
    """Measure and judge some columns of a window, and then what is counted jointly: by its distribution alone.

    Args:
        window: what is compared.
        columns: where they lie in the window's layout, the score first.
        jointly: where the components do.
        limits: the policy's.
        level: the chance below which a shift is beyond chance.
    """
    sections = [*columns, *jointly]
    counts, groups = window.counts, grouping(sections, window.baseline.counts)
    earlier = _grouping_of_past(window, sections, groups)
    grouped, past = groups.counted(counts), earlier.counted(window.past_counts)
    before, live = grouped[0], grouped[1]
    chance, noise = _judged(window, grouped, past)
    apart = psi(before, live, groups.exists)
    of_features, of_joint = [limits.feature_psi] * (len(columns) - 1), [limits.joint_psi] * len(jointly)
    usual = np.array([limits.score_psi, *of_features, *of_joint])
    share_change = np.array([limits.share_change] * len(columns) + [np.inf] * len(jointly))
    limit = np.where(past.any(axis=(0, 2)), usual, _UNPROVEN * usual)
    missing = _apart(groups.missing, grouped), _apart(earlier.missing, past)
    unseen = _apart(groups.unseen, grouped), _apart(earlier.unseen, past)
    moved = {
        Moved.DISTRIBUTION: (chance < level) & (apart - psi_by_chance(before, live, noise.design_effect) > limit),
        Moved.MISSING: _share_moved(window, *missing, share_change, level),
        Moved.UNSEEN: _share_moved(window, *unseen, share_change, level),
    }
    ks, far = _of_numbers(sections, counts[0], counts[1])
    js, overlap, v = jensen_shannon(before, live, groups.exists), hellinger(before, live), cramers_v(before, live)
    missing_change, unseen_change = _change(missing[0]), _change(unseen[0])
    return [
        Shift(
            name=section.bins.name,
            psi=float(apart[at]),
            jensen_shannon=float(js[at]),
            hellinger=float(overlap[at]),
            cramers_v=float(v[at]),
            kolmogorov_smirnov=ks[at],
            wasserstein=far[at],
            missing_change=float(missing_change[at]),
            unseen_change=float(unseen_change[at]),
            design_effect=float(noise.design_effect[at]),
            chance=float(chance[at]),
            limit=float(limit[at]),
            moved=tuple(aspect for aspect, columns in moved.items() if columns[at]),
        )
        for at, section in enumerate(sections)
    ]


def _judged(window: Window, counts: Counts, past: Counts) -> tuple[Reals, Noise]:
    """Return the window's chance by the noise that excuses most, and that noise.

    Args:
        window: what is compared.
        counts: of the baseline, the window and its periods, in groups, [2 + periods, ..., groups].
        past: of earlier windows, [windows, ..., groups].
    """
    before, live = counts[0], counts[1]
    within = noise_within(counts[2:])
    told = PastCounts(past, window.days_before, alike=window.is_of_one_layout)
    if window.compared_with is Baseline.SAME_HOURS_LAST_WEEK:
        return greatest_chance(before, live, (within, told.noise_of_weeks()))
    return greatest_chance(told.expected(before), live, (within, told.noise(live)))


def _grouping_of_past(window: Window, sections: Sequence[Section], groups: Grouping) -> Grouping:
    """Group earlier windows as the window is, where they were counted alike, and else in their own bins, by name."""
    if not window.past or window.is_of_one_layout:
        return groups
    layout = window.past[0].profile.layout
    score, *others = [*sections_of(layout), *joint_sections_of(layout)]
    named = {section.bins.name: section for section in others}
    theirs = [score, *(named.get(section.bins.name) for section in sections[1:])]
    return grouping(theirs, window.past_counts.sum(axis=0))


def _apart(special: Mask, grouped: Counts) -> Counts:
    """Set some groups of each column apart from all others, [..., columns, groups] → [..., columns, 2]."""
    rows = np.sum(grouped, axis=-1, where=special)
    return np.stack([rows, grouped.sum(axis=-1) - rows], axis=-1)


def _change(counts: Counts) -> Reals:
    """Return how much greater the first of two groups' share has become, [2 or more, columns, 2] → [columns]."""
    shares = counts[:2, :, 0] / counts[:2].sum(axis=-1)
    return np.asarray(shares[1] - shares[0])


def _share_moved(window: Window, counts: Counts, past: Counts, limit: Reals, level: float) -> Mask:
    """Return which columns' share has changed by more than the limit, and beyond chance."""
    moved = np.abs(_change(counts)) > limit
    if moved.any():
        moved[moved] = _judged(window, counts[:, moved], past[:, moved])[0] < level
    return moved


def _of_numbers(
    sections: Sequence[Section], before: Counts, live: Counts
) -> tuple[Sequence[float | None], Sequence[float | None]]:
    """Return the distances of columns of numbers, whose bins have an order, and `None` for the others.

    The score has far more bins than a feature, and is taken alone.
    """
    numbers = {at: section.bins for at, section in enumerate(sections) if isinstance(section.bins, NumericBins)}
    found: dict[int, tuple[float, float | None]] = {}
    for batch in ([at for at in numbers if at == 0], [at for at in numbers if at > 0]):
        if batch:
            rising = [
                numbers[at].rising(np.stack([each[sections[at].slots] for each in (before, live)])) for at in batch
            ]
            edges, counts = _padded([numbers[at].edges for at in batch], rising)
            apart = kolmogorov_smirnov(*counts).tolist(), wasserstein(edges, *counts).tolist()
            found |= {at: (ks, None if np.isnan(far) else far) for at, ks, far in zip(batch, *apart, strict=True)}
    each = [found.get(at, (None, None)) for at in range(len(sections))]
    return [ks for ks, _ in each], [far for _, far in each]


def _padded(edges: Sequence[tuple[float, ...]], rising: Sequence[Counts]) -> tuple[Reals, Counts]:
    """Return edges, the last one repeated, and counts from below to above, [2, columns, widest]."""
    widest = max(counts.shape[1] for counts in rising)
    counts = np.zeros((2, len(rising), widest), dtype=np.int64)
    for at, each in enumerate(rising):
        counts[:, at, : each.shape[1]] = each
    return np.array([each + each[-1:] * (widest - 1 - len(each)) for each in edges]), counts
