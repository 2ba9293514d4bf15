"""Has live traffic left the population that the model was validated on? Answered from profiles.

A column has drifted where its shift is *both* beyond chance and of practical size. Beyond chance: the window's χ²,
against the noise that the counts themselves show (`chance`), is less likely than the false alarms allow that the
policy grants the endpoint; what the day of the week explains (`seasons`) is no shift. Of practical size: the shift,
less what chance alone makes of it, exceeds the policy's limit. A large window alone makes no drift of a trifle, and a
small one none of an accident.

While fewer than eight earlier windows are known, nothing tells how far one day strays from the next, and no rate of
false alarms can be kept. A distribution then counts as drifted only where it exceeds five times the limit: a value
that changed its unit, not a Sunday.

Rows are judged jointly, too: each principal component, and the error off them (`joint`), is taken for a column more,
and the furthest of these is the one number for the joint change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from serinus.domain.grouping import Section
from serinus.domain.policy import Baseline, DriftLimits
from serinus.domain.profile import Profile
from serinus.domain.seasons import PastWindow, settled, telling, telling_weeks, week_before
from serinus.domain.shifts import Shift, Window, joint_sections_of, sections_of, shifts_of

_MINUTES_A_YEAR = 525_600
_ASPECTS = 3  # of each column: its distribution, what is missing, what is unseen


@dataclass(frozen=True)
class DriftReport:
    """What a drift check found; `enough` is false where the window holds too few rows to say anything.

    Attributes:
        level: below which chance a shift counts as beyond it, so that false alarms stay within the policy's number.
        past_windows: how many earlier windows told how far windows stray; 0 where only the window's own periods did.
        baseline: what the window was compared with; the reference, too, where last week is not known.
        joint: how far rows have moved along the components, or off them, wherever they did most; `None` where too
            few rows were counted jointly: where not every feature is known of them, or the reference is of before.
    """

    rows: int
    enough: bool
    drifted: bool
    features: tuple[Shift, ...]
    score: Shift | None
    level: float = 0.0
    past_windows: int = 0
    baseline: Baseline = Baseline.REFERENCE
    joint: Shift | None = None

    @property
    def ranked(self) -> Sequence[Shift]:
        """The features by their impact on the model, or by how far they moved where it is not known what matters."""
        return sorted(self.features, key=lambda shift: (-(shift.impact or 0.0), -shift.psi))


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
    reference: Profile,
    periods: Sequence[Profile],
    limits: DriftLimits,
    past: Sequence[PastWindow] = (),
    importance: Mapping[str, float] | None = None,
) -> DriftReport:
    """Compare a live window with the model version's reference profile, or with last week, as the policy asks.

    A feature is compared where enough rows carried it: where the policy logs no inputs, only the score is.

    Args:
        reference: what the window should be like.
        periods: the window, in consecutive periods.
        limits: the policy's.
        past: earlier windows, of one release, which may have been another; those with too few rows are passed over.
        importance: how much each feature matters to the model, where that is known.
    """
    live = sum(periods[1:], periods[0])
    if live.rows < limits.minimum_rows:
        return DriftReport(live.rows, enough=False, drifted=False, features=(), score=None)
    baseline, before = baseline_of(reference, limits, past)
    known = telling(past, minimum_rows=limits.minimum_rows)
    if baseline is Baseline.REFERENCE:
        known = settled(known)
    of_score, *of_features = sections_of(reference.layout)
    columns = [of_score, *(each for each in of_features if _carried(each, before, live, limits.minimum_rows))]
    jointly = [
        each for each in joint_sections_of(reference.layout) if _carried(each, before, live, limits.minimum_rows)
    ]
    level = alarm_level(limits, len(columns) + len(jointly))
    score, *shifts = shifts_of(Window(before, periods, known, baseline), columns, jointly, limits, level)
    features, along = shifts[: len(columns) - 1], shifts[len(columns) - 1 :]
    joint = max(along, key=lambda shift: (shift.drifted, shift.psi), default=None)
    return DriftReport(
        live.rows,
        enough=True,
        drifted=score.drifted
        or (joint is not None and joint.drifted)
        or sum(found.drifted for found in features) >= limits.features,
        features=tuple(replace(shift, importance=(importance or {}).get(shift.name)) for shift in features),
        score=score,
        level=level,
        past_windows=len(known),
        baseline=baseline,
        joint=joint,
    )


def baseline_of(reference: Profile, limits: DriftLimits, past: Sequence[PastWindow]) -> tuple[Baseline, Profile]:
    """Return what a window is compared with: last week only where the policy asks, and enough is known of it."""
    asked = limits.compare_with is Baseline.SAME_HOURS_LAST_WEEK
    if asked and telling_weeks(past, minimum_rows=limits.minimum_rows):
        week = week_before(past, reference.layout.digest, minimum_rows=limits.minimum_rows)
        if week is not None:
            return Baseline.SAME_HOURS_LAST_WEEK, week
    return Baseline.REFERENCE, reference


def _carried(section: Section, before: Profile, live: Profile, minimum_rows: int) -> bool:
    return bool(live.counts[section.slots].sum() >= minimum_rows and before.counts[section.slots].any())
