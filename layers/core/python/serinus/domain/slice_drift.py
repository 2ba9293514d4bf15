"""How far has each slice moved that profiles count apart? Described, not judged.

The false alarms that a policy grants an endpoint are shared by its columns, its score and its joint number. Slices
are outside of that: forty of them would be forty times as many tests, of smaller and smaller windows. So they are
told by effect sizes, each beside what chance alone makes of it, and raise no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from serinus.domain.distances import jensen_shannon, psi, psi_by_chance
from serinus.domain.drift import DriftReport
from serinus.domain.grouping import grouping
from serinus.domain.held_out import FEWEST_ROWS
from serinus.domain.profile import Profile
from serinus.domain.shifts import sections_of


@dataclass(frozen=True)
class SliceShift:
    """How far one column has moved within a slice.

    Attributes:
        name: the feature's, or the score's.
        psi: population stability index, in nats.
        psi_by_chance: what it is on average where nothing has moved: few rows make much of it.
        jensen_shannon: Jensen–Shannon distance with base 2, in [0, 1].
    """

    name: str
    psi: float
    psi_by_chance: float
    jensen_shannon: float

    @property
    def beyond_chance(self) -> float:
        """The PSI less what chance makes of it."""
        return self.psi - self.psi_by_chance


@dataclass(frozen=True)
class SliceDrift:
    """How far one slice has moved.

    Attributes:
        column: by which rows are sliced.
        name: the slice's.
        rows: of the window.
        share_before: its share of the rows compared with.
        share_now: its share of the window's rows.
        score: how far its scores have moved; `None` where it has too few rows on either side.
        features: the same of its features, the furthest first; not of the one that it is a slice of.
    """

    column: str
    name: str
    rows: int
    share_before: float
    share_now: float
    score: SliceShift | None
    features: tuple[SliceShift, ...]


def slice_drifts(before: Profile, live: Profile, report: DriftReport) -> tuple[SliceDrift, ...]:
    """Return how far each slice has moved that has rows on either side; none where no slices are counted.

    Args:
        before: what the window was compared with.
        live: the window.
        report: what was found of all rows; how much these repeat each other is taken for what those of a slice do.
    """
    effects = {shift.name: shift.design_effect for shift in report.features}
    of_score = report.score.design_effect if report.score else 1.0
    found = []
    for at, slicing in enumerate(before.layout.slices):
        for number, name in enumerate(slicing.names):
            one, other = before.of_slice(at, number), live.of_slice(at, number)
            if one.rows or other.rows:
                enough = min(one.rows, other.rows) >= FEWEST_ROWS
                shifts = tuple(_shifts(one, other, slicing.feature, of_score, effects)) if enough else ()
                ranked = sorted(shifts[1:], key=lambda shift: -shift.beyond_chance)
                shares = (one.rows / max(before.rows, 1), other.rows / max(live.rows, 1))
                found.append(
                    SliceDrift(
                        slicing.feature, name, other.rows, *shares, shifts[0] if shifts else None, tuple(ranked)
                    )
                )
    return tuple(found)


def _shifts(
    before: Profile, live: Profile, sliced_by: str, of_score: float, effects: Mapping[str, float]
) -> Iterator[SliceShift]:
    """Measure the score and then every feature of which both sides know something, but that which makes the slice."""
    score, *features = sections_of(before.layout)
    carried = [
        section
        for section in features
        if section.bins.name != sliced_by and before.counts[section.slots].any() and live.counts[section.slots].any()
    ]
    sections = [score, *carried]
    groups = grouping(sections, before.counts)
    one, other = groups.counted(np.stack([before.counts, live.counts]))
    # What neither side has would tell of their sizes, not of their shares.
    known = groups.exists & (one + other > 0)
    effect = np.array([of_score, *(effects.get(section.bins.name, 1.0) for section in carried)])
    figures = (psi(one, other, known), psi_by_chance(one, other, effect), jensen_shannon(one, other, known))
    for section, *shift in zip(sections, *figures, strict=True):
        yield SliceShift(section.bins.name, *map(float, shift))
