"""How often does drift detection cry wolf, and how late does it see the wolf? Ours, and customary rules.

    python -m tests.benchmarks.watching.drift [--years 12] [--runs 10]

All seeded: how long one look computes; endpoint-years without drift, whose alarms are all false; drifts of several
sizes in one feature of eleven, after six weeks without; and the electricity market, whose data drift for real at row
17,424. `tests.benchmarks.watching.detection` lets the peers themselves look.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np

from serinus.domain.policy import DriftLimits
from tests.benchmarks.watching.endpoints import Drift, Traffic, serve
from tests.benchmarks.watching.market import look_at_market
from tests.benchmarks.watching.rules import RULES, WINDOW_HOURS, looks
from tests.benchmarks.watching.speed import print_speed

_Counted = TypeVar("_Counted")

_EVERY_HOURS = 6
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


def main() -> None:
    """Run all parts."""
    asked = _arguments()
    print_speed()
    print(f"A look every {_EVERY_HOURS} h at the last {WINDOW_HOURS} h; eleven features and the score.")
    print(f"Serinus is granted {_LIMITS.false_alarms_per_year:g} false alarm a year for the endpoint as a whole.\n")
    with ProcessPoolExecutor(asked.processes) as pool:
        for name in _TRAFFIC:
            _print_false_alarms(name, list(_progress(pool.map(partial(false_alarms, name), range(asked.years)))))
        for name in _DRIFTS:
            _print_delays(name, list(_progress(pool.map(partial(delays, name), range(asked.runs)))))
    look_at_market(with_peers=False)


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


def _print_false_alarms(traffic: str, years: Sequence[dict[str, int]]) -> None:
    print(f"False alarms a year, {traffic} traffic, {len(years)} endpoint-years without drift: mean (greatest)")
    for name in RULES:
        counted = [year[name] for year in years]
        print(f"  {name:<54}{np.mean(counted):>8.2f} ({max(counted)})")


def _print_delays(drift: str, runs: Sequence[dict[str, float]]) -> None:
    print(f"{drift} of one feature, seasonal traffic, {len(runs)} runs: seen in three weeks, median hours until then")
    for name in RULES:
        hours = np.array([run[name] for run in runs])
        seen = np.isfinite(hours)
        median = f"{np.median(hours[seen]):.0f} h" if seen.any() else ""
        print(f"  {name:<54}{seen.mean():>8.0%} {median:>8}")


def _progress(results: Iterator[_Counted]) -> Iterator[_Counted]:
    for number, result in enumerate(results, start=1):
        print(f"\r{number} done", end="", file=sys.stderr, flush=True)
        yield result
    print("\r", end="", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=12, help="endpoint-years without drift, for each traffic")
    parser.add_argument("--runs", type=int, default=10, help="runs for each drift")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
