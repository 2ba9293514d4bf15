"""Who sees drift, how late, and at how many false alarms? Ours beside Evidently, NannyML, whylogs and SciPy.

The peers run as they are, in environments under build/bench that uv makes of pinned requirements. All is seeded:
seasonal endpoints, a look a day at the last day's rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.policy import DriftLimits
from tests.benchmarks.figures import Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.endpoints import FEATURES, Drift, Reals, Served, Traffic, simulate
from tests.benchmarks.watching.peers import looks_of_peers
from tests.benchmarks.watching.rules import RULES, WINDOW_HOURS, looks

_LIMITS = DriftLimits(every_minutes=60 * WINDOW_HOURS)
_DAYS_BEFORE, _DAYS_AFTER = 35, 14
_HOURS = 24 * (_DAYS_BEFORE + _DAYS_AFTER)
_DRIFTS = {"mean + 0.5 sd": Drift(24 * _DAYS_BEFORE, mean=0.5), "mean + 1 sd": Drift(24 * _DAYS_BEFORE, mean=1.0)}

Alarms = Mapping[str, Sequence[bool] | str]  # a day each, or why there are none; by rule


def measure(tell: Tell, *, processor_seconds: int) -> Section:
    """Let each look at endpoints that drift after five weeks.

    Until they drift they are one and the same endpoint, so a peer looks at those weeks once.
    """
    tell("delays: ours and SciPy")
    endpoints = {name: _Endpoint.of(drift) for name, drift in _DRIFTS.items()}
    found = {name: endpoint.alarms() for name, endpoint in endpoints.items()}
    first, *others = endpoints.values()
    rows, windows = first.numbers, list(first.windows)
    for endpoint in others:
        windows += [(start + len(rows), stop + len(rows)) for start, stop in endpoint.windows[_DAYS_BEFORE:]]
        rows = np.concatenate([rows, endpoint.numbers])
    theirs = looks_of_peers(tell, "delays", first.reference, rows, windows, processor_seconds=processor_seconds)
    for rule, told in theirs.items():
        for at, alarms in enumerate(found.values()):
            after = _DAYS_BEFORE + _DAYS_AFTER * at
            alarms[rule] = (
                told if isinstance(told, str) else [*told[:_DAYS_BEFORE], *told[after : after + _DAYS_AFTER]]
            )
    return section(found)


def section(found: Mapping[str, Alarms]) -> Section:
    """Tell how many of the days before the drift each alarms on, and how many days after it first does."""
    rules = dict.fromkeys(rule for alarms in found.values() for rule in alarms)
    told = {
        drift: {rule: _told(alarms) for rule, alarms in each.items() if not isinstance(alarms, str)}
        for drift, each in found.items()
    }
    notes = [f"Seasonal traffic, one feature of {len(FEATURES)} drifts; a look a day at the last {WINDOW_HOURS} h."]
    return Section(
        name="delays",
        title=f"Days that alarm before a drift (of {_DAYS_BEFORE}), and days until it is seen (of {_DAYS_AFTER})",
        columns=("rule", *(f"{name}: {what}" for name in found for what in ("before", "seen after"))),
        rows=[(rule, *(cell for each in told.values() for cell in _cells(each.get(rule)))) for rule in rules],
        figures=told,
        notes=notes
        + [
            f"{rule}, {drift}: {why}"
            for drift, each in found.items()
            for rule, why in each.items()
            if isinstance(why, str)
        ],
    )


def _told(alarms: Sequence[bool]) -> dict[str, int | None]:
    after = next((day for day, alarm in enumerate(alarms[_DAYS_BEFORE:], start=1) if alarm), None)
    return {"before": sum(alarms[:_DAYS_BEFORE]), "days": after}


def _cells(one: Mapping[str, int | None] | None) -> tuple[str, str]:
    if one is None:
        return "", ""
    return str(one["before"]), "not seen" if one["days"] is None else f"{one['days']} d"


@dataclass(frozen=True, eq=False)
class _Endpoint:
    """What was served, its reference and its rows, [rows, features], and where the rows of each day begin and end."""

    served: Served
    reference: Reals
    numbers: Reals
    windows: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, drift: Drift) -> _Endpoint:
        """Simulate it."""
        simulated = simulate(Traffic(), _HOURS, seed=7, drift=drift)
        numbers = simulated.values[: len(FEATURES)].T
        days = [(24 * day, 24 * (day + 1)) for day in range(_HOURS // 24)]
        windows = [(int(start), int(stop)) for start, stop in np.searchsorted(simulated.hour, days).tolist()]
        return cls(simulated.served(), numbers[simulated.held_out], numbers, windows)

    def alarms(self) -> dict[str, Sequence[bool] | str]:
        """Let ours and SciPy look, a day each."""
        found = looks(self.served, _LIMITS, first=WINDOW_HOURS, last=_HOURS + 1, every_hours=WINDOW_HOURS)
        return {
            "serinus": [RULES["serinus"](each) for each in found],
            "SciPy, KS at 5 % for all features together": [
                _by_scipy(self.reference, self.numbers[start:stop]) for start, stop in self.windows
            ],
        }


def _by_scipy(reference: Reals, rows: Reals) -> bool:
    chances = [stats.ks_2samp(one, two).pvalue for one, two in zip(reference.T, rows.T, strict=True)]
    return bool(min(chances) < 0.05 / len(chances))
