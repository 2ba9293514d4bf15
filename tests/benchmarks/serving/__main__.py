"""The benchmark of serving: `python -m tests.benchmarks.serving [--only PART] [--quick] [--json FILE]`.

Every figure is measured beside its floor or its peers in the same run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.benchmarks.figures import Section
from tests.benchmarks.front_door import FrontDoor, Part
from tests.benchmarks.progress import Tell
from tests.benchmarks.serving import cost_figures, cost_table, over_event, over_http, sizes, start
from tests.benchmarks.serving.prices import price_list
from tests.benchmarks.serving.servers import MLFLOW


def _start(tell: Tell, quick: bool, _done: Sequence[Section]) -> Sequence[Section]:
    return [start.measure(tell, rounds=3 if quick else 15)]


def _handler(tell: Tell, quick: bool, _done: Sequence[Section]) -> Sequence[Section]:
    return [over_event.measure(tell, rounds=10 if quick else 50)]


def _peers(tell: Tell, quick: bool, _done: Sequence[Section]) -> Sequence[Section]:
    return [over_http.measure(tell, rounds=1 if quick else 5, seconds=1.0 if quick else 3.0)]


def _sizes(tell: Tell, _quick: bool, _done: Sequence[Section]) -> Sequence[Section]:
    return [sizes.measure(tell)]


def _costs(tell: Tell, _quick: bool, done: Sequence[Section]) -> Sequence[Section]:
    """Make the cost table of what this run has measured already, and measure the rest."""
    figures = {section.name: section.figures for section in done}
    started = figures.get("start", {}).get(start.OURS)
    theirs = figures.get("peers", {}).get(MLFLOW.name)
    measured = cost_figures.measure(tell, start_ms=started["cpu_ms"] if started else None)
    return [cost_table.section(price_list(), measured, their_ms=theirs["p50_ms"] if theirs else None)]


_PARTS: dict[str, Part] = {
    "start": _start,
    "handler": _handler,
    "peers": _peers,
    "sizes": _sizes,
    "costs": _costs,
}


if __name__ == "__main__":
    door = FrontDoor("tests.benchmarks.serving", __doc__, "Ten minutes, environments included.", _PARTS)
    raise SystemExit(door.run(sys.argv[1:]))
