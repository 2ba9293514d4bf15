"""A local cloud for as long as a ``with`` block, or a test session, lasts."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from serinus.local_cloud.errors import LocalCloudDidNotStart, PortTaken
from serinus.local_cloud.launch import (
    LaunchPlan,
    client_environment,
    endpoint_url,
    free_port,
    launch,
    stop_process,
)

_PORT_ATTEMPTS = 3


class LocalCloud:
    """AWS on loopback, in a child process that ends with this object, or with the process that made it.

    Args:
        port: where to listen; None has a free port chosen.
        state_dir: where it keeps its files; None makes a temporary directory, removed by :meth:`stop`.
        keep: whether what is stored survives a stop, for the next start with ``keep`` on this directory.
        schedule_seconds: how long ``rate(1 minute)`` lasts, for demonstrations and tests; None leaves it a minute.
            This is the one thing in which the local cloud departs from AWS on purpose.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        state_dir: Path | None = None,
        keep: bool = False,
        schedule_seconds: float | None = None,
    ) -> None:
        self._wanted_port = port
        self._port: int | None = None
        self._owned_dir = state_dir is None
        self._state_dir = state_dir
        self._keep = keep
        self._schedule_seconds = schedule_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port it listens on; known once it was started."""
        if self._port is None:
            raise LocalCloudDidNotStart("start() has not been called", "")
        return self._port

    @property
    def endpoint_url(self) -> str:
        """What to give an AWS client as its endpoint."""
        return endpoint_url(self.port)

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def log_path(self) -> Path | None:
        """Where the process writes its log, for as long as the state directory exists."""
        return self._state_dir / "local-cloud.log" if self._state_dir is not None else None

    def environment(self) -> dict[str, str]:
        """Environment variables with which any AWS client talks to this cloud."""
        return client_environment(self.port)

    def start(self) -> Self:
        """Start the process and wait until it answers; starting what runs is a no-op.

        Raises:
            PortTaken: something listens on the port asked for.
            LocalCloudDidNotStart: with the end of the log.
        """
        if self._process is not None:
            return self
        if self._state_dir is None:
            self._state_dir = Path(tempfile.mkdtemp(prefix="serinus-local-cloud-"))
        attempts = _PORT_ATTEMPTS if self._wanted_port is None else 1
        for attempt in range(1, attempts + 1):
            port = self._wanted_port or free_port()
            plan = LaunchPlan(self._state_dir, port, self._keep, self._schedule_seconds, temporary=self._owned_dir)
            try:
                self._process = launch(plan)
            except PortTaken:  # a chosen port can be lost to another process before it is bound
                if attempt == attempts:
                    self._discard_state()
                    raise
            except BaseException:
                self._discard_state()
                raise
            else:
                self._port = port
                break
        return self

    def stop(self) -> None:
        """Stop the process, saving state where it is kept, and everything it started; stopping twice is a no-op."""
        process, self._process = self._process, None
        if process is not None:
            stop_process(process.pid)
            process.wait()
        self._discard_state()

    def _discard_state(self) -> None:
        if self._state_dir is None:
            return
        if self._owned_dir:
            shutil.rmtree(self._state_dir, ignore_errors=True)
            self._state_dir = None
        else:
            shutil.rmtree(self._state_dir / "tmp", ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
