"""When do they raise an alarm? Ours, and the rules people set by hand or take as defaults, on the same counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from serinus.domain.drift import DriftReport, compare
from serinus.domain.policy import Baseline, DriftLimits
from serinus.domain.profile import Profile
from serinus.domain.seasons import MOST_PAST_WINDOWS, PastWindow
from tests.benchmarks.watching.endpoints import Served

WINDOW_HOURS = 24


@dataclass(frozen=True)
class Look:
    """What a look found against the reference, and against the same hours of last week."""

    report: DriftReport
    against_last_week: DriftReport


Rule = Callable[[Look], bool]


def _distance(report: DriftReport) -> Sequence[float]:
    """Return what Evidently's default looks at, in a reference of more than 1,000 rows: of a category, the JS."""
    return [
        shift.jensen_shannon if shift.kolmogorov_smirnov is None else shift.wasserstein or 0.0
        for shift in report.features
    ]


OURS: Mapping[str, Rule] = {
    "serinus": lambda look: look.report.drifted,
    "serinus, compare_with = same_hours_last_week": lambda look: look.against_last_week.drifted,
}

RULES: Mapping[str, Rule] = {
    **OURS,
    "any PSI > 0.25": lambda look: any(shift.psi > 0.25 for shift in look.report.features),
    "any PSI > 0.1": lambda look: any(shift.psi > 0.1 for shift in look.report.features),
    "NannyML's default, emulated (any JS > 0.1)": lambda look: any(
        shift.jensen_shannon > 0.1 for shift in look.report.features
    ),
    "Evidently's default, emulated (half of all > 0.1 sd)": lambda look: (
        float(np.mean([distance > 0.1 for distance in _distance(look.report)])) >= 0.5
    ),
    "any KS, p < 0.05": lambda look: any(
        (shift.kolmogorov_smirnov or 0.0) > 1.36 * np.sqrt(2 / look.report.rows) for shift in look.report.features
    ),
}


def look(reference: Profile, periods: Sequence[Profile], limits: DriftLimits, past: Sequence[PastWindow]) -> Look:
    """Look at a window in both ways."""
    last_week = replace(limits, compare_with=Baseline.SAME_HOURS_LAST_WEEK)
    return Look(*(compare(reference, periods, each, past) for each in (limits, last_week)))


def looks(served: Served, limits: DriftLimits, *, first: int, last: int, every_hours: int) -> Sequence[Look]:
    """Look at an endpoint every so many hours, as production does."""
    found = []
    for now in range(first, last, every_hours):
        start = now - WINDOW_HOURS
        since = start // WINDOW_HOURS  # the release went live at hour 0
        past = [
            PastWindow(day, served.profile(start - day * WINDOW_HOURS, start - (day - 1) * WINDOW_HOURS))
            for day in range(max(since - MOST_PAST_WINDOWS, 0) + 1, since + 1)
        ]
        found.append(look(served.reference, served.periods(start, now), limits, past))
    return found
