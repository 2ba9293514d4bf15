"""The benchmark of serving: `python -m tests.benchmarks.serving [--only PART] [--quick] [--json FILE]`.

Every figure is measured beside its floor or its peers in the same run. Whatever is started is stopped again, on
errors and on Ctrl-C, too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks.serving import cost_figures, cost_table, over_event, over_http, sizes, start
from tests.benchmarks.serving.figures import Section
from tests.benchmarks.serving.prices import price_list
from tests.benchmarks.serving.processes import end_on_termination
from tests.benchmarks.serving.progress import Tell, teller
from tests.benchmarks.serving.report import machine, print_section, write_json
from tests.benchmarks.serving.servers import MLFLOW

_WIDTH = 140


def main(arguments: Sequence[str]) -> int:
    """Run the parts asked for, and return the exit code: a goal that is missed is told, and is no failure."""
    asked = _parsed(arguments)
    end_on_termination()
    console, tell, on = Console(width=_WIDTH), teller(), machine()
    console.print(on, highlight=False)
    sections: list[Section] = []
    try:
        for part in asked.only or _PARTS:
            section = _PARTS[part](tell, asked.quick, sections)
            sections.append(section)
            print_section(section, console)
    except KeyboardInterrupt:
        sys.stderr.write("stopped, and so is everything that was started\n")
        return 130
    if asked.json:
        write_json(sections, on, asked.json)
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving", description=__doc__)
    parser.add_argument("--only", choices=list(_PARTS), action="append", help="this part; may be given again")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: to see that it runs, not to be quoted")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, unrounded, too")
    return parser.parse_args(arguments)


def _start(tell: Tell, quick: bool, _done: Sequence[Section]) -> Section:
    return start.measure(tell, rounds=3 if quick else 15)


def _handler(tell: Tell, quick: bool, _done: Sequence[Section]) -> Section:
    return over_event.measure(tell, rounds=10 if quick else 50)


def _peers(tell: Tell, quick: bool, _done: Sequence[Section]) -> Section:
    return over_http.measure(tell, rounds=1 if quick else 5, seconds=1.0 if quick else 3.0)


def _sizes(tell: Tell, _quick: bool, _done: Sequence[Section]) -> Section:
    return sizes.measure(tell)


def _costs(tell: Tell, _quick: bool, done: Sequence[Section]) -> Section:
    """Make the cost table of what this run has measured already, and measure the rest."""
    figures = {section.name: section.figures for section in done}
    started = figures.get("start", {}).get(start.OURS)
    theirs = figures.get("peers", {}).get(MLFLOW.name)
    measured = cost_figures.measure(tell, start_ms=started["cpu_ms"] if started else None)
    return cost_table.section(price_list(), measured, their_ms=theirs["p50_ms"] if theirs else None)


_Part = Callable[[Tell, bool, Sequence[Section]], Section]
_PARTS: dict[str, _Part] = {
    "start": _start,
    "handler": _handler,
    "peers": _peers,
    "sizes": _sizes,
    "costs": _costs,
}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
