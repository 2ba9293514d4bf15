"""The same model and rows through our handler and through the peers' servers, over HTTP on loopback."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from serinus.adapters.onnx.session import PythonSession
from tests.benchmarks.environments import PeerSkipped
from tests.benchmarks.figures import Goal, Section, medians
from tests.benchmarks.processes import cpu_seconds, free_port, resident_mb, started
from tests.benchmarks.progress import Tell
from tests.benchmarks.serving import release
from tests.benchmarks.serving.model import rows, served_model
from tests.benchmarks.serving.servers import KSERVE, ML_SERVER, MLFLOW, OURS, SERVERS, Row, Server

_ROWS = 64
_CLIENTS = 8
_STARTS_WITHIN_SECONDS = 90.0
_WARM_UP_SECONDS = 1.0
_TOLERANCE = 1e-5
_GOALS = ((KSERVE, ML_SERVER), 3.0), ((MLFLOW,), 7.0)


@dataclass(frozen=True)
class _Running:
    server: Server
    port: int
    process: psutil.Process


def measure(tell: Tell, *, rounds: int, seconds: float) -> Section:
    """Start every server, ask each in turn, and stop them all.

    Args:
        tell: is told what is going on.
        rounds: how often each is measured; medians count.
        seconds: how long each is asked in each round, by one client and by eight.
    """
    asked = [row.tolist() for row in rows(_ROWS)]
    found: dict[str, list[dict[str, float]]] = {}
    memory: dict[str, float] = {}
    with _all_started(tell, asked) as (running, skipped):
        for at in range(rounds):
            for each in list(running):
                tell(f"asking {each.server.name}, round {at + 1} of {rounds}")
                try:
                    found.setdefault(each.server.name, []).append(_round(each, asked, seconds))
                    memory[each.server.name] = resident_mb(each.process)
                except PeerSkipped as failed:
                    _skip(each.server, failed, skipped)
                    running.remove(each)
        serving = [each.server.name for each in running]
    told = {name: medians(found[name]) | {"resident_mb": memory[name]} for name in serving}
    return _section(told, skipped, rounds, seconds)


@contextmanager
def _all_started(tell: Tell, asked: Sequence[Row]) -> Iterator[tuple[list[_Running], list[str]]]:
    running: list[_Running] = []
    skipped: list[str] = []
    with tempfile.TemporaryDirectory(prefix="serving-") as folder, ExitStack() as stack:
        root = Path(folder)
        laid = release.lay(root)
        model = root / "model.onnx"
        model.write_bytes(served_model().onnx)
        for server in SERVERS:
            tell(f"starting {server.name}")
            try:
                running.append(_start(server, stack, root, laid, model, asked))
            except PeerSkipped as absent:
                _skip(server, absent, skipped)
        yield running, skipped


def _skip(server: Server, why: PeerSkipped, skipped: list[str]) -> None:
    """Go on without a peer, but not without ours."""
    if server is OURS:
        raise RuntimeError(str(why)) from why
    skipped.append(str(why))


def _start(server: Server, stack: ExitStack, root: Path, laid: Path, model: Path, asked: Sequence[Row]) -> _Running:
    """Start a server, wait until it answers, and hold its first answer to ONNX Runtime's."""
    port, log = free_port(), root / f"{server.name}.log"
    command, environment = server.command(port, model), server.environment(laid, root)
    process = stack.enter_context(started(command, environment=environment, log=log))
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while True:
        try:
            answer = _asked_once(port, server, asked[0])
        except (OSError, http.client.HTTPException):
            if time.monotonic() > until or not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                said = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
                raise PeerSkipped(server.name, f"it does not answer; its last words: {said[0]}") from None
            time.sleep(0.1)
            continue
        _check(server, answer, asked[0])
        return _Running(server, port, process)


def _asked_once(port: int, server: Server, row: Row) -> Any:  # noqa: ANN401 - JSON
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", server.path, server.bodies([row])[0], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise PeerSkipped(server.name, f"it answers {answer.status}: {body[:200].decode(errors='replace')}")
        return json.loads(body)


def _check(server: Server, answer: Any, row: Row) -> None:  # noqa: ANN401 - JSON
    served = served_model()
    (tensor,) = served.signature.inputs
    features = np.array([row], dtype=np.float32)
    expected = float(PythonSession(served.onnx, served.signature).run({tensor.name: features})["probabilities"][0, 1])
    given = server.score(answer)
    if abs(given - expected) > _TOLERANCE:
        raise PeerSkipped(server.name, f"it answers {given} where ONNX Runtime says {expected}")


def _round(running: _Running, asked: Sequence[Row], seconds: float) -> dict[str, float]:
    _load(running, asked, clients=1, seconds=_WARM_UP_SECONDS)
    alone = _load(running, asked, clients=1, seconds=seconds)
    before = cpu_seconds(running.process)
    crowd = _load(running, asked, clients=_CLIENTS, seconds=seconds)
    used = cpu_seconds(running.process) - before
    return {
        "p50_ms": alone["p50_ms"],
        "requests_per_second": crowd["requests"] / crowd["seconds"],
        "crowd_p50_ms": crowd["p50_ms"],
        "crowd_p99_ms": crowd["p99_ms"],
        "cpu_ms_per_request": used / crowd["requests"] * 1e3,
    }


def _load(running: _Running, asked: Sequence[Row], *, clients: int, seconds: float) -> dict[str, float]:
    said = {"path": running.server.path, "bodies": running.server.bodies(list(asked))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.serving.load", str(running.port)],
        input=json.dumps(said | {"clients": clients, "seconds": seconds}),
        capture_output=True,
        text=True,
        check=False,
        cwd=release.ROOT,
        timeout=seconds + 60,
    )
    if done.returncode:
        raise PeerSkipped(running.server.name, done.stderr.strip().splitlines()[-1])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _section(told: Mapping[str, Mapping[str, float]], skipped: Sequence[str], rounds: int, seconds: float) -> Section:
    ours = told[OURS.name]
    table = [
        (
            name,
            f"{each['p50_ms'] * 1e3:,.0f}",
            f"{each['requests_per_second']:,.0f}",
            f"{each['cpu_ms_per_request'] * 1e3:,.0f}",
            f"{ours['requests_per_second'] / each['requests_per_second']:.1f}",
            f"{each['cpu_ms_per_request'] / ours['cpu_ms_per_request']:.1f}",
            f"{each['resident_mb']:,.0f}",
        )
        for name, each in told.items()
    ]
    goals = [
        Goal(
            f"requests per second, × {against.name}'s",
            ours["requests_per_second"] / told[against.name]["requests_per_second"],
            limit,
            at_least=True,
        )
        for candidates, limit in _GOALS
        for against in [server for server in candidates if server.name in told][:1]
    ]
    return Section(
        name="peers",
        title="One row over HTTP: our handler behind a bare asyncio server, and the peers' own servers",
        columns=(
            "server",
            "p50, µs",
            f"requests/s, {_CLIENTS} clients",
            "CPU µs a request",
            "our requests/s, ×",
            "their CPU, × ours",
            "MB",
        ),
        rows=table,
        figures=told,
        goals=goals,
        notes=(
            f"Medians of {rounds} rounds in turns, {seconds:g} s each with one client and with {_CLIENTS}; one "
            "worker each, sessions of one thread, logging as it comes. Ours writes its prediction record besides.",
            *skipped,
        ),
    )
