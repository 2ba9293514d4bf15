"""Who sees drift, how late, and at how many false alarms? Ours beside Evidently, NannyML, whylogs and SciPy.

The peers run as they are, in environments under build/bench that uv makes of pinned requirements. All is seeded:
seasonal endpoints, a look a day at the last day's rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.policy import DriftLimits
from tests.benchmarks.figures import Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.endpoints import FEATURES, Drift, Reals, Traffic, simulate
from tests.benchmarks.watching.peers import PEERS, peer_looks
from tests.benchmarks.watching.rules import RULES, WINDOW_HOURS, looks

_LIMITS = DriftLimits(every_minutes=60 * WINDOW_HOURS)
_DAYS_BEFORE, _DAYS_AFTER = 35, 14
_DRIFTS = {"mean + 0.5 sd": Drift(24 * _DAYS_BEFORE, mean=0.5), "mean + 1 sd": Drift(24 * _DAYS_BEFORE, mean=1.0)}

Alarms = Mapping[str, Sequence[bool] | str]  # a day each, or why there are none; by rule


def measure(tell: Tell, *, cut_off_seconds: float) -> Section:
    """Let each look at endpoints that drift after five weeks."""
    return section({name: _alarms(tell, name, drift, cut_off_seconds) for name, drift in _DRIFTS.items()})


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


def _alarms(tell: Tell, name: str, drift: Drift, cut_off_seconds: float) -> Alarms:
    traffic, hours = Traffic(), 24 * (_DAYS_BEFORE + _DAYS_AFTER)
    tell(f"{name}: ours and SciPy")
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
    alarms: dict[str, Sequence[bool] | str] = {
        "serinus": [RULES["serinus"](each) for each in found],
        "SciPy, KS at 5 % for all features together": [_by_scipy(reference, numbers[a:b]) for a, b in windows],
    }
    for peer, rule in PEERS.items():
        tell(f"{name}: {rule}, at most {cut_off_seconds:g} s")
        alarms[rule] = peer_looks(peer, reference, numbers, windows, seconds=cut_off_seconds)
    return alarms


def _by_scipy(reference: Reals, rows: Reals) -> bool:
    chances = [stats.ks_2samp(one, two).pvalue for one, two in zip(reference.T, rows.T, strict=True)]
    return bool(min(chances) < 0.05 / len(chances))
