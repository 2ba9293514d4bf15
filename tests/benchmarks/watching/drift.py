"""How often does drift detection cry wolf, and how late does it see the wolf? Ours, and customary rules.

All seeded: endpoint-years without drift, whose alarms are all false; and drifts of several sizes in one feature of
eleven, after six weeks without. `detection` lets the peers themselves look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import Pool
from typing import TypeVar

import numpy as np
from scipy import stats  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.policy import DriftLimits
from serinus.domain.seasons import MINIMUM_PAST_WINDOWS
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.endpoints import Drift, Traffic, serve
from tests.benchmarks.watching.rules import OURS, RULES, WINDOW_HOURS, looks

_Found = TypeVar("_Found")

_EVERY_HOURS = 6
_PROCESSES = 2
_LIMITS = DriftLimits(every_minutes=60 * _EVERY_HOURS)
_YOUNG_DAYS = MINIMUM_PAST_WINDOWS  # of an endpoint of whose noise too little is known to grant a rate
_LASTS = (365 + _YOUNG_DAYS) * 24
_WARM_UP = 42 * 24
_WATCHED = 21 * 24
_BROKEN_BY_CHANCE = 0.01  # that any promise is, at the granted rate
_CONFIDENCE = 0.95
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


@dataclass(frozen=True)
class Counted:
    """Alarms before a rate is granted, and in the year after that."""

    young: int
    granted: int


Alarms = Mapping[str, Counted]  # by rule


def count_false_alarms(tell: Tell, *, years: int) -> Section:
    """Count each rule's alarms in endpoint-years without drift, at three kinds of traffic."""
    return section_of_alarms(_each(tell, "endpoint-years without drift", false_alarms, tuple(_TRAFFIC), years))


def section_of_alarms(found: Mapping[str, Sequence[Alarms]]) -> Section:
    """Hold our false alarms, of each kind of traffic and of all together, to what is granted.

    A promise is broken where so many alarms are too improbable at the granted rate, by Poisson's distribution; the
    chances of all promises together that such a rate breaks any are `_BROKEN_BY_CHANCE`, at the most. What lasts
    alarms on several days, so alarms come in clusters, and the true chance is somewhat greater.
    """
    granted = _LIMITS.false_alarms_per_year
    together = {**found, "all": [year for years in found.values() for year in years]}
    chance = _BROKEN_BY_CHANCE / (len(together) * len(OURS))
    return Section(
        name="false alarms",
        title="False alarms a year of an endpoint that does not drift: mean (greatest)",
        columns=("rule", *together, "at most a year", f"first {_YOUNG_DAYS} days"),
        rows=[
            (
                rule,
                *(_mean_and_greatest([year[rule].granted for year in years]) for years in together.values()),
                f"{_at_most_a_year([year[rule].granted for year in together['all']]):.1f}",
                f"{np.mean([year[rule].young for year in together['all']]):.1f}",
            )
            for rule in RULES
        ],
        figures={
            traffic: [{rule: asdict(alarms) for rule, alarms in year.items()} for year in years]
            for traffic, years in found.items()
        },
        goals=[
            Goal(
                f"{rule}, {traffic} traffic: false alarms in {len(years)} years",
                sum(year[rule].granted for year in years),
                float(stats.poisson.ppf(1 - chance, granted * len(years))),
                promised=True,
            )
            for rule in OURS
            for traffic, years in together.items()
        ],
        notes=[
            f"{len(next(iter(found.values())))} simulated years of each traffic, each of a seed of its own; a look "
            f"every {_EVERY_HOURS} h at the last {WINDOW_HOURS} h, eleven features and the score; an alarm that goes "
            "on is counted once a day.",
            f"Granted is {granted:g} a year for the endpoint as a whole, once {MINIMUM_PAST_WINDOWS} earlier windows "
            f"are known. More than promised has a chance of {_BROKEN_BY_CHANCE:.0%} at that rate, all promises "
            f"together. At most a year: with {_CONFIDENCE:.0%} confidence, from all years (Poisson).",
        ],
    )


def find_drifts(tell: Tell, *, runs: int) -> Section:
    """Find how soon each rule sees drifts of several sizes."""
    found = _each(tell, "drifts", delays, tuple(_DRIFTS), runs)
    return Section(
        name="power",
        title="Drift of one feature, seasonal traffic: share of runs in which three weeks show it, and median hours",
        columns=("rule", *found),
        rows=[(rule, *(_share_and_median([run[rule] for run in each]) for each in found.values())) for rule in RULES],
        figures={drift: [_finite(run) for run in each] for drift, each in found.items()},
        notes=[
            f"{runs} runs each, after six weeks without drift, at another hour of the day each; a look every "
            f"{_EVERY_HOURS} h, as false alarms are counted. Rules that always alarm see all of it: read it beside "
            "their false alarms."
        ],
    )


def false_alarms(traffic: str, seed: int) -> Alarms:
    """Count each rule's alarms without drift, of the first days and of a year more; once a day where one goes on."""
    served = serve(_TRAFFIC[traffic], _LASTS, seed=100 * list(_TRAFFIC).index(traffic) + seed)
    found = looks(served, _LIMITS, first=WINDOW_HOURS, last=_LASTS, every_hours=_EVERY_HOURS)
    young = 24 * _YOUNG_DAYS // _EVERY_HOURS
    return {
        name: Counted(*(_episodes([rule(each) for each in some]) for some in (found[:young], found[young:])))
        for name, rule in RULES.items()
    }


def delays(drift: str, seed: int) -> dict[str, float]:
    """Return how many hours after the drift each rule first saw it; infinite where it did not in three weeks."""
    hour = _WARM_UP + 5 * seed % 24
    last = _WARM_UP + 24 + _WATCHED
    served = serve(_TRAFFIC["seasonal"], last, seed=1_000 + seed, drift=Drift(hour, **_DRIFTS[drift]))
    first = hour - hour % _EVERY_HOURS + _EVERY_HOURS
    found = list(looks(served, _LIMITS, first=first, last=hour + _WATCHED + 1, every_hours=_EVERY_HOURS))
    return {
        name: next((float(first + at * _EVERY_HOURS - hour) for at, each in enumerate(found) if rule(each)), math.inf)
        for name, rule in RULES.items()
    }


def _episodes(alarms: Sequence[bool]) -> int:
    quiet, counted = 0, 0
    for alarm in alarms:
        if alarm and quiet <= 0:
            counted, quiet = counted + 1, WINDOW_HOURS // _EVERY_HOURS
        quiet -= 1
    return counted


def _each(
    tell: Tell, what: str, work: Callable[[str, int], _Found], names: Sequence[str], times: int
) -> dict[str, list[_Found]]:
    """Do it for each name and each seed, whatever is next on whichever core is free; tell how many are done."""
    tasks = [(name, seed) for seed in range(times) for name in names]
    found: dict[str, list[_Found]] = {name: [] for name in names}
    tell(f"{what}: 0 of {len(tasks)}")
    with Pool(_PROCESSES) as pool:  # which is terminated when the block is left, by whatever way
        for done, (task, one) in enumerate(zip(tasks, pool.imap(partial(_done, work), tasks), strict=True), start=1):
            found[task[0]].append(one)
            tell(f"{what}: {done} of {len(tasks)}")
    return found


def _done(work: Callable[[str, int], _Found], task: tuple[str, int]) -> _Found:
    return work(*task)


def _at_most_a_year(counted: Sequence[int]) -> float:
    """Return the greatest yearly rate at which so few alarms in so many years are not improbable (Garwood 1936).

    >>> round(_at_most_a_year([0, 0, 0]), 2)
    1.0
    """
    return float(stats.chi2.ppf(_CONFIDENCE, 2 * (sum(counted) + 1)) / 2 / len(counted))


def _mean_and_greatest(counted: Sequence[int]) -> str:
    return f"{np.mean(counted):.1f} ({max(counted)})"


def _share_and_median(hours: Sequence[float]) -> str:
    seen = [each for each in hours if math.isfinite(each)]
    return f"{len(seen) / len(hours):.0%}" + (f", {np.median(seen):.0f} h" if seen else "")


def _finite(run: Mapping[str, float]) -> dict[str, float | None]:
    return {rule: hours if math.isfinite(hours) else None for rule, hours in run.items()}
