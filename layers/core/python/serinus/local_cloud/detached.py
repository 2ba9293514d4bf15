"""A local cloud that outlives the command that started it, found again by what it wrote down.

A small file in the state directory names the process. A process id can be reused, so a process counts as ours only
if it was created at the time on record and runs our module.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from serinus.local_cloud.errors import AlreadyRunning, KeptStateIncomplete, NotRunning
from serinus.local_cloud.launch import (
    PROCESS_MODULE,
    LaunchPlan,
    endpoint_url,
    launch,
    stop_process,
)

DEFAULT_PORT = 4577

_RECORD = "local-cloud.json"
_SAME_MOMENT_SECONDS = 1.0


@dataclass(frozen=True)
class RunningCloud:
    """A local cloud on record whose process runs."""

    pid: int
    port: int
    started_at: float
    keep: bool
    schedule_seconds: float | None

    @property
    def endpoint_url(self) -> str:
        """What to give an AWS client as its endpoint."""
        return endpoint_url(self.port)


def find(state_dir: Path) -> RunningCloud | None:
    """The local cloud that runs on a state directory, if one does."""
    try:
        recorded = RunningCloud(**json.loads((state_dir / _RECORD).read_text()))
        process = psutil.Process(recorded.pid)
        same = abs(process.create_time() - recorded.started_at) < _SAME_MOMENT_SECONDS
        alive = process.status() != psutil.STATUS_ZOMBIE
        return recorded if same and alive and PROCESS_MODULE in process.cmdline() else None
    except (OSError, ValueError, TypeError, psutil.Error):
        return None


def up(
    state_dir: Path,
    *,
    port: int = DEFAULT_PORT,
    keep: bool = False,
    schedule_seconds: float | None = None,
) -> RunningCloud:
    """Start a local cloud in the background, in a session of its own, and return once it answers.

    Raises:
        AlreadyRunning: one runs on this directory.
        KeptStateIncomplete: the last one kept its state here, and was killed before it could save all of it.
        PortTaken: something else listens on the port.
        LocalCloudDidNotStart: with the end of the log; nothing is left running.
    """
    running = find(state_dir)
    if running is not None:
        raise AlreadyRunning(running.pid, running.endpoint_url)
    if keep and _was_killed(state_dir):
        raise KeptStateIncomplete
    process = launch(LaunchPlan(state_dir, port, keep, schedule_seconds, detached=True))
    try:
        started_at = psutil.Process(process.pid).create_time()
        started = RunningCloud(process.pid, port, started_at, keep, schedule_seconds)
        (state_dir / _RECORD).write_text(json.dumps(asdict(started)))
    except BaseException:
        stop_process(process.pid)
        raise
    process.returncode = 0  # it is meant to outlive this Popen, which would warn of that otherwise
    return started


def _was_killed(state_dir: Path) -> bool:
    """Objects are kept as they are written, everything else on a clean stop, which also removes the record."""
    try:
        return bool(json.loads((state_dir / _RECORD).read_text())["keep"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def down(state_dir: Path) -> RunningCloud:
    """Stop the local cloud of a state directory with all its workers.

    Raises:
        NotRunning: none runs there.
    """
    running = find(state_dir)
    if running is None:
        raise NotRunning
    stop_process(running.pid)
    with contextlib.suppress(FileNotFoundError):
        (state_dir / _RECORD).unlink()
    return running


def reset(state_dir: Path) -> None:
    """Stop what runs on a state directory, and remove everything that was kept in it."""
    with contextlib.suppress(NotRunning):
        down(state_dir)
    shutil.rmtree(state_dir, ignore_errors=True)
