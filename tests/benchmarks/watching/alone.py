"""Measure one thing in a process of its own: a module run as a program, which prints its figures as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.figures import medians
from tests.benchmarks.progress import Tell

_RUN_SECONDS = 600


def in_turns(
    tell: Tell, module: str, ways: Sequence[str], arguments: Sequence[str], *, rounds: int
) -> dict[str, dict[str, float]]:
    """Run a module once for each way, again and again; return each way's medians.

    Args:
        tell: is told what runs.
        module: prints a JSON object of figures, given a way and these arguments.
        ways: what it can do.
        arguments: of all ways.
        rounds: how often each is run.
    """
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for number in range(rounds):
        tell(f"{' '.join(arguments).rpartition('/')[2]}: round {number + 1} of {rounds}")
        for way in ways:
            command = [sys.executable, "-m", module, way, *arguments]
            ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=_RUN_SECONDS)
            found[way].append(json.loads(ran.stdout))
    return {way: medians(each) for way, each in found.items()}


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Do it once; return its seconds, by the clock and of the processor, and its peak MB beyond what was in use."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before, started, used = _peak_megabytes(), time.perf_counter(), time.process_time()
    work()
    taken = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}
    return {**taken, "megabytes": _peak_megabytes() - before}


def _peak_megabytes() -> float:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1_024
