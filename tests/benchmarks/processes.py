"""Starts servers, and stops what it started: by process id, with all their children, whatever happens."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

_GRACE_SECONDS = 5.0


@contextmanager
def started(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Iterator[psutil.Process]:
    """Run a command, its output in a file, until the block is left by whatever way."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
    tree = psutil.Process(process.pid)
    try:
        yield tree
    finally:
        _stop(tree)
        process.wait()


def cpu_seconds(tree: psutil.Process) -> float:
    """Return what a process and its children have used of the processors so far."""
    used = 0.0
    for process in (tree, *tree.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def resident_mb(tree: psutil.Process) -> float:
    """Return the memory that a process and its children hold, in MB."""
    held = 0
    for process in (tree, *tree.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            held += process.memory_info().rss
    return held / 1e6


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_on_termination() -> None:
    """Have SIGTERM end this process as Ctrl-C does, so that it stops what it has started."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _stop(tree: psutil.Process) -> None:
    try:
        processes = [*tree.children(recursive=True), tree]
    except psutil.NoSuchProcess:
        return
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                stop(process)
        _, processes = psutil.wait_procs(processes, timeout=_GRACE_SECONDS)
