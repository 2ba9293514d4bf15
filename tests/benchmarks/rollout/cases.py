"""The cases of the simulation: which rollouts, on which traffic, how many, from which seed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from serinus.domain.guard import DEFAULT_GUARDS, Guard, RolloutMetric
from tests.benchmarks.rollout import peers, special
from tests.benchmarks.rollout.ours import End, Ends, simulate
from tests.benchmarks.rollout.traffic import MINUTES_A_DAY, Candidate, Cell, Pattern, Traffic

RPM = (20, 200, 2_000)
WEIGHTS = (0.05, 0.10)
FAULTS = {"1 %": 0.005, "2 %": 0.015, "5 %": 0.045, "50 %": 0.495}
ERRORS = (DEFAULT_GUARDS[0],)
ALL_METRICS = (*DEFAULT_GUARDS, Guard(RolloutMetric.OUTCOME))
COLDER_STILL = 1.27
LITTLE = {"50, κ 2": ((0.5,), 0.02), "50, κ 3": ((0.5,), 0.03), "20→50, κ 3": ((0.2, 0.5), 0.03)}
LITTLE |= {"10→50, κ 3": ((0.1, 0.5), 0.03), "5→25→50, κ 3": ((0.05, 0.25, 0.5), 0.03)}
_LITTLE_RPM = 500 / MINUTES_A_DAY
_ENOUGH_RPM = 200  # for half a point to be found within a day
PEERS: Mapping[str, Callable[[Traffic], Ends]] = {
    "CodeDeploy 1 of 1": lambda traffic: peers.codedeploy(traffic, points=1, of=1),
    "CodeDeploy 2 of 3": lambda traffic: peers.codedeploy(traffic, points=2, of=3),
    "Flagger": peers.flagger,
    "Argo Rollouts": peers.argo,
    "Kayenta": peers.kayenta,
}
_SPECIAL = {
    "ill environment": special.clustered,
    "sick throughout": special.sick_throughout,
    "late labels": special.late_labels,
    "shifted scores": special.shifted_scores,
    "cost": special.cost,
}


@dataclass(frozen=True)
class Case:
    """One kind of rollout on one traffic; the name is its key, and seeds it.

    Attributes:
        kind: how it is run, a key of `_RUN`.
        what: which candidate, plan or competitor.
        metrics: `all`, or `errors` alone without delay.
    """

    kind: str
    what: str
    cell: Cell
    rollouts: int
    metrics: str = "all"

    @property
    def name(self) -> str:
        """The key under which it is reported."""
        return f"{self.kind} | {self.what} | {self.metrics} | {self.cell}"

    @property
    def seed(self) -> int:
        """The same for the same case, whatever runs beside it."""
        return zlib.crc32(self.name.encode())

    def traffic(self, candidate: Candidate, minutes: int = MINUTES_A_DAY, minutes_a_tick: int = 1) -> Traffic:
        """Return the case's traffic."""
        random = np.random.default_rng(self.seed)
        return Traffic(self.cell, candidate, self.rollouts, minutes, random, minutes_a_tick)


def cases(*, quick: bool) -> list[Case]:
    """Return all of them."""
    found = list(_cases())
    return [replace(case, rollouts=max(case.rollouts // 10, 3)) for case in found] if quick else found


def _cases() -> Iterator[Case]:
    busiest_first = tuple(reversed(RPM))
    for what, rollouts in (
        ("ill environment", 60),
        ("sick throughout", 60),
        ("late labels", 60),
        ("shifted scores", 20),
        ("cost", 200),
    ):
        yield Case("special", what, Cell(200, 0.05, Pattern.STEADY), rollouts)
    yield from (
        Case(f"{days * 24} h", what, Cell(_LITTLE_RPM, plan[0], Pattern.STEADY), 600)
        for days, (what, (plan, _)) in product((1, 3), LITTLE.items())
    )
    yield from (
        Case("peer", what, Cell(rpm, 0.10, pattern), 300) for what, rpm, pattern in product(PEERS, RPM, Pattern)
    )
    yield from _whole_rollouts()
    for what, rpm, pattern, weight in product(FAULTS, busiest_first, Pattern, WEIGHTS):
        if what != "1 %" or rpm >= _ENOUGH_RPM:
            yield Case("held", what, Cell(rpm, weight, pattern), 300)
    for what, rpm, weight in product(("good", *FAULTS), busiest_first, WEIGHTS):
        if what != "1 %" or rpm >= _ENOUGH_RPM:
            yield Case("held", what, Cell(rpm, weight, Pattern.STEADY), 300, "errors")
    for pattern, rpm, weight in product(Pattern, busiest_first, WEIGHTS):
        yield Case("held", "good", Cell(rpm, weight, pattern), 400)
    for rpm, weight in product(busiest_first, WEIGHTS):
        yield Case("held", "colder still", Cell(rpm, weight, Pattern.STEADY), 60)


def _whole_rollouts() -> Iterator[Case]:
    for rpm, pattern in product(reversed(RPM), Pattern):
        cell = Cell(rpm, 0.05, pattern)
        yield Case("whole", "worse by the margin", cell, 300)
        yield Case("first step", "worse by its margin", cell, 300)
        yield Case("whole", "good", cell, 300)
        yield Case("whole", "2 %", cell, 300)
        yield Case("whole from 10 %", "good", Cell(rpm, 0.10, pattern), 300)
    for rpm in reversed(RPM):
        yield Case("whole", "good", Cell(rpm, 0.05, Pattern.STEADY), 300, "errors")
        yield Case("whole from 10 %", "good", Cell(rpm, 0.10, Pattern.STEADY), 300, "errors")


def measured(case: Case) -> tuple[str, dict[str, float]]:
    """Run a case; return its name and what came out."""
    return case.name, _RUN[case.kind](case)


def _held(case: Case) -> dict[str, float]:
    colder = Candidate(colder=COLDER_STILL) if case.what == "colder still" else Candidate(FAULTS.get(case.what, 0.0))
    unasked = tuple(replace(guard, guards_promotion=False) for guard in _guards(case))
    return _summary(_ours(case, colder, (case.cell.weight, 1.0), unasked, held=True))


def _whole(case: Case) -> dict[str, float]:
    more = 0.005 if case.what.startswith("worse") else FAULTS.get(case.what, 0.0)
    return _summary(_ours(case, Candidate(more), (0.05, 0.25, 0.5, 1.0), _guards(case)))


def _from_ten(case: Case) -> dict[str, float]:
    guards = tuple(replace(guard, margin=0.01) if guard.guards_promotion else guard for guard in _guards(case))
    return _summary(_ours(case, Candidate(), (0.10, 0.25, 0.5, 1.0), guards))


def _first_step(case: Case) -> dict[str, float]:
    return _summary(_ours(case, Candidate(0.02), (0.05, 0.25, 0.5, 1.0), _guards(case)))


def _ours(
    case: Case, candidate: Candidate, plan: tuple[float, ...], guards: tuple[Guard, ...], *, held: bool = False
) -> Ends:
    return simulate(case.traffic(candidate), plan, guards, held=held, late=case.metrics == "all")


def _guards(case: Case) -> tuple[Guard, ...]:
    return ALL_METRICS if case.metrics == "all" else ERRORS


def _little(case: Case) -> dict[str, float]:
    """Half-hour ticks at 500 requests a day, errors alone, as what an automatic plan chooses from."""
    plan, margin = LITTLE[case.what]
    guards = (replace(ERRORS[0], margin=margin),)
    found: dict[str, float] = {}
    for name, more in (("good", 0.0), ("5 %", 0.05), ("50 %", 0.5)):
        traffic = case.traffic(Candidate(more), int(case.kind.split()[0]) * 60, 30)
        ends = simulate(traffic, (*plan, 1.0), guards, late=False, alarms=False)
        found |= {f"{name} {key}": value for key, value in _summary(ends).items()}
    return found


def _peer(case: Case) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, more in ({"good": 0.0} | FAULTS).items():
        ends = PEERS[case.what](case.traffic(Candidate(more), 240))
        found |= {f"{name} {key}": value for key, value in _summary(ends).items()}
    return found


def _special(case: Case) -> dict[str, float]:
    return _SPECIAL[case.what](case.rollouts, case.seed)


def _summary(ends: Ends) -> dict[str, float]:
    back = np.isin(ends.end, [End.ROLLED_BACK, End.ALARM])
    promoted = ends.end == End.PROMOTED
    found = {
        "rollouts": float(ends.end.size),
        "rolled back": float(back.mean()),
        "by alarm": ends.share(End.ALARM),
        "promoted": float(promoted.mean()),
        "past the first step": float((ends.furthest > 0).mean()),
        "bad served": float(ends.bad.mean()),
    }
    for name, values in (("weighed", ends.weighed), ("served", ends.served), ("minutes", ends.tick + 1.0)):
        if back.any():
            # those never rolled back count as more than any that were: a quantile must not look good for want of them
            whole = np.where(back, values, np.inf)
            found |= {f"{name} p{p}": float(np.quantile(whole, p / 100, method="higher")) for p in (50, 95)}
    if promoted.any():
        found["minutes to all"] = float(
            np.quantile(np.where(promoted, ends.tick + 1.0, np.inf), 0.5, method="higher")
        )
    return found


_RUN: Mapping[str, Callable[[Case], dict[str, float]]] = {
    "held": _held,
    "whole": _whole,
    "whole from 10 %": _from_ten,
    "first step": _first_step,
    "24 h": _little,
    "72 h": _little,
    "peer": _peer,
    "special": _special,
}
