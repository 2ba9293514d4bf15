"""Who sees drift, how late, at how many false alarms, and at what cost? Ours beside Evidently, NannyML and SciPy.

    python -m tests.benchmarks.watching.detection [--cut-off 300] [--shapes 3]

The peers run as they are, in environments under build/bench that uv makes of pinned requirements. Three parts, all
seeded: one check of tables of three sizes, each cut off after some seconds; the electricity market, whose data drift
for real at row 17,424; and seasonal endpoints, a look a day at the last day's rows. It ends with 1 where PSI or
Jensen–Shannon of a category, whose bins are its values, differ by more than 1 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from scipy import stats  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.policy import DriftLimits
from tests.benchmarks.watching.checks import SHAPES, print_checks
from tests.benchmarks.watching.endpoints import FEATURES, Drift, Reals, Traffic, simulate
from tests.benchmarks.watching.market import look_at_market
from tests.benchmarks.watching.peers import evidently_looks, nannyml_looks
from tests.benchmarks.watching.rules import RULES, WINDOW_HOURS, looks

_LIMITS = DriftLimits(every_minutes=60 * WINDOW_HOURS)
_DAYS_BEFORE, _DAYS_AFTER = 35, 14
_DRIFTS = {"mean + 0.5 sd": Drift(24 * _DAYS_BEFORE, mean=0.5), "mean + 1 sd": Drift(24 * _DAYS_BEFORE, mean=1.0)}


def main() -> None:
    """Run the parts that are asked for."""
    asked = _arguments()
    agree = print_checks(SHAPES[: asked.shapes], asked.cut_off)
    look_at_market(with_peers=True)
    for name, drift in _DRIFTS.items():
        _print_endpoint(name, drift)
    sys.exit(0 if agree else 1)


def _print_endpoint(name: str, drift: Drift) -> None:
    """Print how many of the days before the drift each alarms on, and how many days after it first does."""
    traffic, hours = Traffic(), 24 * (_DAYS_BEFORE + _DAYS_AFTER)
    simulated = simulate(traffic, hours, seed=7, drift=drift)
    found = looks(simulated.served(), _LIMITS, first=WINDOW_HOURS, last=hours + 1, every_hours=WINDOW_HOURS)
    numbers = simulated.values[: len(FEATURES)].T
    windows = [
        (int(start), int(stop))
        for start, stop in np.searchsorted(
            simulated.hour, [(24 * day, 24 * (day + 1)) for day in range(len(found))]
        ).tolist()
    ]
    reference = numbers[simulated.held_out]
    print(
        f"{name} of one feature of a seasonal endpoint, a look a day at the last 24 h: days that alarm before it "
        f"(of {_DAYS_BEFORE}), and days until the first that alarms after it"
    )
    alarms: dict[str, list[bool] | str] = {
        "serinus": [RULES["serinus"](each) for each in found],
        "SciPy, KS at 5 % for all features together": [_by_scipy(reference, numbers[a:b]) for a, b in windows],
        "Evidently 0.7.23, data drift preset": evidently_looks(reference, numbers, windows),
        "NannyML 0.13.1, univariate drift": nannyml_looks(reference, numbers, windows),
    }
    for rule, told in alarms.items():
        if isinstance(told, str):
            print(f"  {rule:<54} skipped: {told}")
        else:
            _print_alarms(rule, told)


def _by_scipy(reference: Reals, rows: Reals) -> bool:
    chances = [stats.ks_2samp(one, two).pvalue for one, two in zip(reference.T, rows.T, strict=True)]
    return bool(min(chances) < 0.05 / len(chances))


def _print_alarms(rule: str, alarms: Sequence[bool]) -> None:
    after = next((day for day, alarm in enumerate(alarms[_DAYS_BEFORE:], start=1) if alarm), None)
    seen = f"not in {_DAYS_AFTER} days" if after is None else f"{after} d"
    print(f"  {rule:<54}{sum(alarms[:_DAYS_BEFORE]):>8} {seen:>8}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut-off", type=float, default=300.0, help="seconds after which one check is cut off")
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="how many of the tables, the smallest first")
    return parser.parse_args()


if __name__ == "__main__":
    main()
