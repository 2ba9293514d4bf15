"""What a rollout promises, measured: the pledges of docs/reference/rollout-decisions.md, beside what others do.

    python -m tests.benchmarks.rollout [--quick] [--json FILE]

Seeds are fixed, so the same version prints the same tables, but for the cost of a tick. `--quick` runs a tenth of the
rollouts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pool
from pathlib import Path

from tests.benchmarks.rollout.cases import Case, cases, measured
from tests.benchmarks.rollout.report import print_report

_PROCESSES = 2


def main() -> int:
    """Print the tables; 1 where neither a pledge nor what holds in its place is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rollout", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rollouts: a look, no proof")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    arguments = parser.parse_args()
    todo = cases(quick=arguments.quick)
    found: dict[str, dict[str, float]] = {}
    for name, figures in _progress(todo, measured):
        found[name] = figures
        if arguments.json:
            arguments.json.write_text(
                json.dumps(found, indent=2)
            )  # after each: what was measured outlives an interruption
    return 0 if print_report(found) else 1


def _progress(
    todo: list[Case], measure: Callable[[Case], tuple[str, dict[str, float]]]
) -> Iterator[tuple[str, dict[str, float]]]:
    begun = time.monotonic()
    with Pool(_PROCESSES) as pool:
        for done, found in enumerate(pool.imap_unordered(measure, todo), start=1):
            print(
                f"\r{done}/{len(todo)} cases, {time.monotonic() - begun:.0f} s", end="", file=sys.stderr, flush=True
            )
            yield found
    print(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
