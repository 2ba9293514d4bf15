"""Starting the local cloud's process and waiting until it answers; stopping it and everything it started."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from serinus.local_cloud.errors import LocalCloudDidNotStart, PortTaken
from serinus.local_cloud.process import ACCOUNT_ID, REGION, SECRET_KEY

START_SECONDS = 60.0
STOP_SECONDS = 20.0
HOST = "127.0.0.1"
PROCESS_MODULE = "serinus.local_cloud.process"

_POLL_SECONDS = 0.05
_LOG_TAIL_CHARACTERS = 4_000


@dataclass(frozen=True)
class LaunchPlan:
    """How a local cloud is to be started."""

    state_dir: Path
    port: int
    keep: bool = False
    schedule_seconds: float | None = None
    detached: bool = False
    temporary: bool = False

    @property
    def log_path(self) -> Path:
        """Where the process writes what it has to say."""
        return self.state_dir / "local-cloud.log"

    def command(self) -> list[str]:
        """The command line of the process."""
        command = [sys.executable, "-m", PROCESS_MODULE, "--port", str(self.port)]
        command += ["--state-dir", str(self.state_dir)]
        if self.keep:
            command.append("--keep")
        if self.temporary:
            command.append("--temporary")
        if not self.detached:
            command += ["--parent-pid", str(os.getpid())]
        if self.schedule_seconds is not None:
            command += ["--schedule-seconds", str(self.schedule_seconds)]
        return command


def endpoint_url(port: int) -> str:
    """The AWS endpoint URL of a local cloud on a port."""
    return f"http://{HOST}:{port}"


def client_environment(port: int) -> dict[str, str]:
    """What an SDK or a command needs in its environment to talk to the local cloud and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url(port),
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free_port(port: int) -> None:
    """Raise PortTaken, naming the process that listens where the system says so."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(port, _listener_on(port)) from error


def _listener_on(port: int) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid
            if listens and getattr(connection.laddr, "port", None) == port:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None


def prepare(plan: LaunchPlan) -> None:
    """Make the state directory; kept state stays in it, to be used by the next start that keeps state."""
    shutil.rmtree(plan.state_dir / "tmp", ignore_errors=True)
    plan.state_dir.mkdir(parents=True, exist_ok=True)


def launch(plan: LaunchPlan, deadline_seconds: float = START_SECONDS) -> subprocess.Popen[bytes]:
    """Start the process and return once it answers.

    Raises:
        PortTaken: something listens on the port already.
        LocalCloudDidNotStart: it ended, or did not answer in time; nothing of it is left running.
    """
    require_free_port(plan.port)
    prepare(plan)
    with plan.log_path.open("wb") as log:
        # A session of its own: Ctrl-C in a terminal reaches the owner, who then stops the cloud in order.
        process = subprocess.Popen(
            plan.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_healthy(process, plan, deadline_seconds)
    except BaseException:
        stop_process(process.pid)
        process.wait()
        raise
    return process


def _wait_until_healthy(process: subprocess.Popen[bytes], plan: LaunchPlan, deadline_seconds: float) -> None:
    deadline = time.monotonic() + deadline_seconds
    while not is_healthy(plan.port):
        if process.poll() is not None:
            raise LocalCloudDidNotStart(f"its process ended with {process.returncode}", log_tail(plan.log_path))
        if time.monotonic() > deadline:
            raise LocalCloudDidNotStart(f"no answer in {deadline_seconds:g} s", log_tail(plan.log_path))
        time.sleep(_POLL_SECONDS)


def is_healthy(port: int) -> bool:
    """Whether a local cloud answers on the port."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint_url(port)}/_ministack/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def log_tail(path: Path) -> str:
    """The end of the process's log."""
    try:
        return path.read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:]
    except OSError:
        return ""


def stop_process(pid: int, grace_seconds: float = STOP_SECONDS) -> None:
    """End a process by its id, gracefully first, with everything it started; returns when all of it is gone."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        root.terminate()
    psutil.wait_procs([root], timeout=grace_seconds)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)
