"""When do they raise an alarm? Ours, and the rules people set by hand or take as defaults, on the same counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from serinus.domain.drift import DriftReport, compare
from serinus.domain.policy import DriftLimits
from tests.benchmarks.watching.endpoints import Served

Rule = Callable[[DriftReport], bool]

WINDOW_HOURS = 24
PAST_WINDOWS = 28


def _distance(report: DriftReport) -> Sequence[float]:
    """Return what Evidently's default looks at in a number, in a reference of more than 1,000 rows."""
    return [shift.wasserstein or 0.0 for shift in report.features]


RULES: Mapping[str, Rule] = {
    "serinus": lambda report: report.drifted,
    "any PSI > 0.25": lambda report: any(shift.psi > 0.25 for shift in report.features),
    "any PSI > 0.1": lambda report: any(shift.psi > 0.1 for shift in report.features),
    "NannyML's default, emulated (any JS > 0.1)": lambda report: any(
        shift.jensen_shannon > 0.1 for shift in report.features
    ),
    "Evidently's default, emulated (half of all > 0.1 sd)": lambda report: (
        float(np.mean([distance > 0.1 for distance in _distance(report)])) >= 0.5
    ),
    "any KS, p < 0.05": lambda report: any(
        (shift.kolmogorov_smirnov or 0.0) > 1.36 * np.sqrt(2 / report.rows) for shift in report.features
    ),
}


def looks(served: Served, limits: DriftLimits, *, first: int, last: int, every_hours: int) -> Sequence[DriftReport]:
    """Look at an endpoint every so many hours, as production does."""
    reports = []
    for now in range(first, last, every_hours):
        start = now - WINDOW_HOURS
        past = [
            served.profile(begin, begin + WINDOW_HOURS)
            for begin in range(start - WINDOW_HOURS * PAST_WINDOWS, start, WINDOW_HOURS)
            if begin >= 0
        ]
        reports.append(compare(served.reference, served.periods(start, now), limits, past))
    return reports
