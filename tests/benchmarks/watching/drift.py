"""How often does drift detection cry wolf, and how late does it see the wolf? Ours, and customary rules.

All seeded: endpoint-years without drift, whose alarms are all false; and drifts of several sizes in one feature of
eleven, after six weeks without. `detection` lets the peers themselves look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing import Pool
from typing import TypeVar

import numpy as np

from serinus.domain.policy import DriftLimits
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.endpoints import Drift, Traffic, serve
from tests.benchmarks.watching.rules import RULES, WINDOW_HOURS, looks

_Counted = TypeVar("_Counted")

_EVERY_HOURS = 6
_PROCESSES = 2
_LIMITS = DriftLimits(every_minutes=60 * _EVERY_HOURS)
_YEAR = 365 * 24
_WARM_UP = 42 * 24
_WATCHED = 21 * 24
_TRAFFIC = {
    "calm": Traffic(daily=0.3, weekend=0.1, weather=(0.05, 0.05), shared=0.1),
    "seasonal": Traffic(),
    "stormy": Traffic(daily=0.8, weekend=0.6, weather=(0.15, 0.15), shared=0.5),
}
_DRIFTS = {
    "mean + 0.25 sd": {"mean": 0.25},
    "mean + 0.5 sd": {"mean": 0.5},
    "mean + 1 sd": {"mean": 1.0},
    "mean + 2 sd": {"mean": 2.0},
    "10 % missing": {"missing": 0.1},
    "30 % missing": {"missing": 0.3},
    "10 % unseen": {"unseen": 0.1},
    "30 % unseen": {"unseen": 0.3},
}


def count_false_alarms(tell: Tell, *, years: int) -> Section:
    """Count each rule's alarms in endpoint-years without drift, at three kinds of traffic."""
    found = {name: _each(tell, f"false alarms, {name}", partial(false_alarms, name), years) for name in _TRAFFIC}
    return section_of_alarms(found)


def section_of_alarms(found: Mapping[str, Sequence[Mapping[str, int]]]) -> Section:
    """Hold our false alarms to what is promised: a sample of years may exceed it by two standard errors."""
    granted = _LIMITS.false_alarms_per_year
    return Section(
        name="false alarms",
        title="False alarms a year of an endpoint that does not drift: mean (greatest)",
        columns=("rule", *found),
        rows=[
            (rule, *(_mean_and_greatest([year[rule] for year in years]) for years in found.values()))
            for rule in RULES
        ],
        figures={traffic: [dict(year) for year in years] for traffic, years in found.items()},
        goals=[
            Goal(
                f"serinus, {traffic} traffic: false alarms a year",
                float(np.mean([year["serinus"] for year in years])),
                round(granted + 2 * math.sqrt(granted / len(years)), 2),
                promised=True,
            )
            for traffic, years in found.items()
        ],
        notes=[
            f"{len(next(iter(found.values())))} simulated years each; a look every {_EVERY_HOURS} h at the last "
            f"{WINDOW_HOURS} h, eleven features and the score; an alarm that goes on is counted once a day.",
            f"Serinus is granted {granted:g} a year for the endpoint as a whole; what so few years may show is two "
            "standard errors more.",
        ],
    )


def find_drifts(tell: Tell, *, runs: int) -> Section:
    """Find how soon each rule sees drifts of several sizes."""
    found = {name: _each(tell, f"power, {name}", partial(delays, name), runs) for name in _DRIFTS}
    return Section(
        name="power",
        title="Drift of one feature, seasonal traffic: share of runs in which three weeks show it, and median hours",
        columns=("rule", *found),
        rows=[(rule, *(_share_and_median([run[rule] for run in each]) for each in found.values())) for rule in RULES],
        figures={drift: [_finite(run) for run in each] for drift, each in found.items()},
        notes=[
            f"{runs} runs each, after six weeks without drift; a look every hour. Rules that always alarm see all of "
            "it: read it beside their false alarms."
        ],
    )


def false_alarms(traffic: str, seed: int) -> dict[str, int]:
    """Count each rule's alarms in a year without drift; one that goes on is counted once a day."""
    served = serve(_TRAFFIC[traffic], _YEAR, seed=seed)
    reports = looks(served, _LIMITS, first=WINDOW_HOURS, last=_YEAR, every_hours=_EVERY_HOURS)
    return {name: _episodes([rule(report) for report in reports]) for name, rule in RULES.items()}


def delays(drift: str, seed: int) -> dict[str, float]:
    """Return how many hours after the drift each rule first saw it; infinite where it did not in three weeks."""
    hour = _WARM_UP + seed % 24
    served = serve(_TRAFFIC["seasonal"], hour + _WATCHED, seed=1_000 + seed, drift=Drift(hour, **_DRIFTS[drift]))
    first = hour + 1
    reports = looks(served, _LIMITS, first=first, last=hour + _WATCHED, every_hours=1)
    return {
        name: next((1.0 + at for at, report in enumerate(reports) if rule(report)), np.inf)
        for name, rule in RULES.items()
    }


def _episodes(alarms: Sequence[bool]) -> int:
    quiet, counted = 0, 0
    for alarm in alarms:
        if alarm and quiet <= 0:
            counted, quiet = counted + 1, WINDOW_HOURS // _EVERY_HOURS
        quiet -= 1
    return counted


def _each(tell: Tell, what: str, work: Callable[[int], _Counted], times: int) -> list[_Counted]:
    tell(what)
    with Pool(_PROCESSES) as pool:  # which is terminated when the block is left, by whatever way
        return pool.map(work, range(times), chunksize=1)


def _mean_and_greatest(counted: Sequence[int]) -> str:
    return f"{np.mean(counted):.1f} ({max(counted)})"


def _share_and_median(hours: Sequence[float]) -> str:
    seen = [each for each in hours if math.isfinite(each)]
    return f"{len(seen) / len(hours):.0%}" + (f", {np.median(seen):.0f} h" if seen else "")


def _finite(run: Mapping[str, float]) -> dict[str, float | None]:
    return {rule: hours if math.isfinite(hours) else None for rule, hours in run.items()}
