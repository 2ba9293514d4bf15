"""`serinus local`: what a person sees, and that nothing half-started stays."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from serinus.cli.local import app
from serinus.local_cloud import detached
from serinus.local_cloud.launch import free_port, is_healthy
from tests.contract.local_cloud.bench import Bench, eventually

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-c", "from serinus.cli.local import app; app(prog_name='local')"]


class Terminal:
    """Runs the command with a state directory of its own."""

    def __init__(self, home: Path) -> None:
        self.environment = os.environ | {"XDG_STATE_HOME": str(home)}
        self.state_dir = home / "serinus" / "local"
        self.port = free_port()

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command to its end: exit status, what it printed, what it complained of."""
        ran = CliRunner().invoke(app, arguments, env=self.environment)
        return ran.exit_code, ran.stdout, ran.stderr

    def up(self, *more: str) -> tuple[int, str, str]:
        """Run `up` without a deploy."""
        return self.run("up", "--no-deploy", "--port", str(self.port), *more)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal; what it starts is stopped."""
    opened = Terminal(tmp_path)
    yield opened
    detached.reset(opened.state_dir)


def test_up_status_env_down(terminal: Terminal) -> None:
    """One life of the local cloud, outliving each of the commands."""
    status, out, _ = terminal.run("status", "--json")
    assert (status, json.loads(out)) == (1, {"running": False})

    status, out, err = terminal.up("--json")
    assert status == 0, err
    facts = json.loads(out)
    assert facts["endpoint_url"] == f"http://127.0.0.1:{terminal.port}"

    status, out, _ = terminal.run("env")
    assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{terminal.port}\n" in out
    assert json.loads(terminal.run("env", "--json")[1])["AWS_REGION"] == "us-east-1"

    status, _, err = terminal.up()
    assert status == 0
    assert "Already running" in err
    status, out, _ = terminal.run("status")
    assert status == 0
    assert f"pid: {facts['pid']}" in out

    started = time.monotonic()
    status, out, _ = terminal.run("down", "--json")
    assert (status, json.loads(out)["stopped"]) == (0, facts["endpoint_url"])
    assert time.monotonic() - started < 15
    assert not psutil.pid_exists(facts["pid"]) or not is_healthy(terminal.port)
    status, _, err = terminal.run("down")
    assert status == 1
    assert "not running" in err


def test_keep_and_reset(terminal: Terminal) -> None:
    """Kept state is there after `down` and `up`, and gone after `reset`."""
    terminal.up("--keep")
    bench = Bench(f"http://127.0.0.1:{terminal.port}")
    bench.buckets.create_bucket(Bucket="kept")
    terminal.run("down")
    terminal.up("--keep")
    assert [bucket["Name"] for bucket in bench.buckets.list_buckets()["Buckets"]] == ["kept"]
    status, out, _ = terminal.run("reset", "--json")
    assert (status, json.loads(out)) == (0, {"reset": True})
    assert not terminal.state_dir.exists()
    terminal.up("--keep")
    assert bench.buckets.list_buckets()["Buckets"] == []


def test_taken_port_is_said_plainly(terminal: Terminal) -> None:
    """With who has it, and without a stack trace."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", terminal.port))
        listener.listen()
        status, _, err = terminal.up()
    assert status == 1
    assert f"Port {terminal.port} is taken by" in err
    assert "Traceback" not in err
    assert detached.find(terminal.state_dir) is None


def test_missing_node_is_said_plainly(terminal: Terminal) -> None:
    """Before anything is started; as JSON where that was asked for."""
    terminal.environment["PATH"] = "/nonexistent"
    status, out, _ = terminal.run("up", "--port", str(terminal.port), "--json")
    assert status == 1
    assert "`node` is not on the PATH" in json.loads(out)["error"]
    assert not is_healthy(terminal.port)


def test_interrupted_start_leaves_nothing(terminal: Terminal) -> None:
    """Ctrl-C while it starts ends what was started."""
    process = terminal.start("up", "--no-deploy", "--port", str(terminal.port))
    children = eventually(lambda: psutil.Process(process.pid).children(recursive=True))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in err
    eventually(lambda: not any(child.is_running() for child in children))
    assert detached.find(terminal.state_dir) is None


def test_reused_process_id_is_not_taken_for_the_cloud(terminal: Terminal) -> None:
    """A record of a process that is another one by now names nothing, and `down` harms nobody."""
    terminal.state_dir.mkdir(parents=True)
    record = {
        "pid": os.getpid(),
        "port": terminal.port,
        "started_at": psutil.Process().create_time(),
        "keep": False,
        "schedule_seconds": None,
    }
    (terminal.state_dir / "local-cloud.json").write_text(json.dumps(record))
    assert terminal.run("down")[0] == 1
