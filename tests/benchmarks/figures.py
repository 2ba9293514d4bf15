"""What a benchmark found: figures, the goals they are held to, and the few statistics that go with them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A figure and its limit.

    Attributes:
        at_least: which side of the limit is the good one.
        promised: whether it is an agreement or a promise, which a run fails without; others are aims.
    """

    what: str
    measured: float
    limit: float
    at_least: bool = False
    promised: bool = False

    @property
    def reached(self) -> bool:
        """Whether the figure is on the good side, or exactly on the limit."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def sentence(self) -> str:
        """Say how it went, and where it was missed, by how much.

        >>> Goal("ready, × import onnxruntime", 0.4, 0.5).sentence()
        'reached: ready, × import onnxruntime 0.40, goal ≤ 0.5'
        >>> Goal("requests per second, × KServe", 2.0, 3, at_least=True).sentence()
        'missed by a factor of 1.5: requests per second, × KServe 2.00, goal ≥ 3'
        >>> Goal("F1, apart from NannyML's", 0.002, 0.001, promised=True).sentence()
        "broken by a factor of 2.0: F1, apart from NannyML's 2.0e-03, promised ≤ 0.001"
        """
        figure = f"{self.measured:.1e}" if 0 < abs(self.measured) < 0.01 else f"{self.measured:.2f}"
        word = "promised" if self.promised else "goal"
        said = f"{self.what} {figure}, {word} {'≥' if self.at_least else '≤'} {self.limit:g}"
        if self.reached:
            return f"{'kept' if self.promised else 'reached'}: {said}"
        good, bad = (self.limit, self.measured) if self.at_least else (self.measured, self.limit)
        by = f" by a factor of {good / bad:.1f}" if bad > 0 and math.isfinite(good) else ""
        return f"{'broken' if self.promised else 'missed'}{by}: {said}"


@dataclass(frozen=True)
class Section:
    """One table of the report.

    Attributes:
        rows: as they are printed, one text a column.
        figures: the same unrounded, for machines.
        notes: what a reader must know to read the table.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    figures: Mapping[str, Any]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = field(default=())

    def document(self) -> dict[str, Any]:
        """Return the section as JSON says it."""
        goals = [asdict(goal) | {"reached": goal.reached} for goal in self.goals]
        return {"title": self.title, "figures": dict(self.figures), "goals": goals, "notes": list(self.notes)}


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each figure's median over the rounds.

    >>> medians([{"ms": 3.0}, {"ms": 1.0}, {"ms": 9.0}])
    {'ms': 3.0}
    """
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank).

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
