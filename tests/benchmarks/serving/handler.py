"""How long the inference handler takes, from Lambda's event to its answer, beside the floor and the obvious handler.

    python -m tests.benchmarks.serving.handler [--rounds 200] [--json]

All ways answer the same rows in turns, in one process, so that a busy machine is unfair to none; medians count, and
what is compared are ratios of one run. Logs go to a null device. The clock is the thread's own processor time, which
other processes on the machine do not add to.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed

from serinus.adapters.aws.model_layers import layout_document
from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.domain.layout import layout_from
from serinus.domain.table import Table
from serinus.domain.tensor import Tensor
from tests.benchmarks.serving.model import FEATURES, Served, rows, served_model
from tests.benchmarks.serving.powertools import powertools_handler
from tests.unit.functions.test_infer import ENVIRONMENT, lay

ROWS = (1, 100, 10_000)
RAW, C_API, FLOOR, OURS, PEER = "raw session.run", "C API run", "plain floor", "infer", "Powertools"
_LENGTH = "inference-header-content-length"
_ROWS_A_TURN = 2_000  # a turn of a way takes at least a clock's tick
Way = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A request: how many rows, and how they are written."""

    rows: int
    packed: bool

    @property
    def name(self) -> str:
        """Its name in the table."""
        return f"{self.rows:,} row{'s' * (self.rows > 1)}, {'binary' if self.packed else 'JSON'}"


@dataclass(frozen=True)
class Goal:
    """That one way takes at most so many times what another does."""

    case: Case
    way: str
    against: str
    most: float


@dataclass(frozen=True)
class Measured:
    """Medians of a case, in microseconds, by way."""

    case: Case
    micros: Mapping[str, float]


CASES = tuple(Case(count, packed) for packed in (False, True) for count in ROWS)
GOALS = (
    Goal(Case(1, False), OURS, RAW, 1.3),
    Goal(Case(1, False), OURS, FLOOR, 0.5),
    Goal(Case(1, False), OURS, PEER, 1 / 25),
    Goal(Case(10_000, True), OURS, RAW, 6.0),
    Goal(Case(10_000, False), OURS, FLOOR, 0.5),
)


class Context:
    """As much of Lambda's context as the handlers read."""

    aws_request_id = "5f0c8f1e-6d6b-4a3e-9b5c-0d2f4a1c7e88"
    function_name = "fraud"
    memory_limit_in_mb = 1_769
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:fraud"


def measured(rounds: int, cases: Sequence[Case] = CASES) -> list[Measured]:
    """Measure every way in every case."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere), _ready() as ways:
        progress = Console(stderr=True)
        return [
            Measured(case, _medians(ways(case), case, rounds))
            for case in track(cases, "measuring", console=progress, transient=True)
        ]


def event_of(case: Case) -> dict[str, Any]:
    """Return API Gateway's event that asks about a case's rows for their probabilities."""
    values = rows(case.rows)
    entry = {"name": "features", "shape": [case.rows, len(FEATURES)], "datatype": "FP32"}
    headers = {"content-type": "application/json", "host": "abc123.execute-api.eu-central-1.amazonaws.com"}
    if not case.packed:
        body = json.dumps(_document(entry | {"data": values.ravel().tolist()}, packed=False))
        return _event(body, headers, is_base64=False)
    data = values.astype(np.float32).tobytes()
    head = json.dumps(_document(entry | {"parameters": {"binary_data_size": len(data)}}, packed=True)).encode()
    headers |= {"content-type": "application/octet-stream", _LENGTH: str(len(head))}
    return _event(base64.b64encode(head + data).decode(), headers, is_base64=True)


def _document(entry: Mapping[str, Any], *, packed: bool) -> dict[str, Any]:
    wanted: dict[str, Any] = {"name": "probabilities"}
    if packed:
        wanted |= {"parameters": {"binary_data": True}}
    return {"id": "order-17", "inputs": [entry], "outputs": [wanted]}


def _event(body: str, headers: Mapping[str, str], *, is_base64: bool) -> dict[str, Any]:
    path = "/v2/models/fraud/infer"
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "curl/8"}
    return {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "http": http,
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"POST {path}",
            "stage": "$default",
            "time": "10/Mar/2026:10:00:00 +0000",
            "timeEpoch": 1773136800000,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


@contextlib.contextmanager
def _ready() -> Iterator[Callable[[Case], Mapping[str, Way]]]:
    """Start every handler; yield what makes the ways of a case."""
    served = served_model()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(served.onnx, options, providers=["CPUExecutionProvider"])
    c_api = CApiSession(served.onnx, served.signature)
    with inference_handler(served) as handler:
        peer = powertools_handler(session)

        def ways(case: Case) -> Mapping[str, Way]:
            features = rows(case.rows).astype(np.float32)
            given = {"features": Tensor(served.signature.inputs[0].datatype, features.shape, features.tobytes())}
            event, context = event_of(case), Context()
            floor = _floor_packed if case.packed else _floor
            found: dict[str, Way] = {
                RAW: lambda: session.run(["probabilities"], {"features": features}),
                C_API: lambda: c_api.run_tensors(given, ("probabilities",)),
                FLOOR: lambda: floor(session, event),
                OURS: lambda: handler(event, context),
            }
            return found if case.packed else found | {PEER: lambda: peer(event, context)}

        yield ways


@contextlib.contextmanager
def inference_handler(served: Served) -> Iterator[Callable[[Mapping[str, Any], Any], dict[str, Any]]]:
    """Yield the inference function's handler, started with a model's layer as a release has it."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        _lay(Path(folder), served)
        os.environ |= ENVIRONMENT
        sys.path.insert(0, folder)
        try:
            yield importlib.import_module("functions.infer.handler").handler
        finally:
            sys.path.remove(folder)
            os.environ.clear()
            os.environ |= before


def _lay(folder: Path, served: Served) -> None:
    lay(folder, served.onnx, served.signature)
    reference = rows(1_000, seed=3)
    table = Table({name: reference[:, at] for at, name in enumerate(FEATURES)})
    scores = served.estimator.predict_proba(reference)[:, 1]
    layout = layout_document(layout_from(served.signature, table, scores))
    (folder / "serinus_release" / "layout.json").write_text(json.dumps(layout))


def _floor(session: onnxruntime.InferenceSession, event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer without a check, a log line or a metric."""
    (given,) = json.loads(event["body"])["inputs"]
    features = np.array(given["data"], dtype=np.float32).reshape(given["shape"])
    (found,) = session.run(["probabilities"], {"features": features})
    return {
        "statusCode": 200,
        "body": json.dumps({"outputs": [_described(found) | {"data": found.ravel().tolist()}]}),
    }


def _floor_packed(session: onnxruntime.InferenceSession, event: Mapping[str, Any]) -> dict[str, Any]:
    body, length = base64.b64decode(event["body"]), int(event["headers"][_LENGTH])
    (given,) = json.loads(body[:length])["inputs"]
    features = np.frombuffer(body[length:], dtype=np.float32).reshape(given["shape"])
    (found,) = session.run(["probabilities"], {"features": features})
    head = json.dumps({"outputs": [_described(found) | {"parameters": {"binary_data_size": found.nbytes}}]}).encode()
    return {"statusCode": 200, "body": base64.b64encode(head + found.tobytes()).decode(), "isBase64Encoded": True}


def _described(found: npt.NDArray[Any]) -> dict[str, Any]:
    return {"name": "probabilities", "datatype": "FP32", "shape": found.shape}


def _medians(ways: Mapping[str, Way], case: Case, rounds: int) -> dict[str, float]:
    """Return the median microseconds of each way, measured in turns."""
    times = max(1, _ROWS_A_TURN // case.rows // 10)
    turns = max(7, rounds if case.rows < max(ROWS) else rounds // 10)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            way()  # caches are another way's
            start = time.thread_time_ns()
            for _ in range(times):
                way()
            found[name].append((time.thread_time_ns() - start) / times / 1_000)
    return {name: statistics.median(one) for name, one in found.items()}


def printed(results: Sequence[Measured], console: Console) -> None:
    """Print the table, and the goals beside it."""
    ways = list(dict.fromkeys(name for one in results for name in one.micros))
    table = Printed("µs, and × raw session.run", *ways, title="From Lambda's event to its answer, one thread")
    for one in results:
        raw = one.micros[RAW]
        cells = [f"{one.micros[way]:,.1f}  {one.micros[way] / raw:,.2f}" if way in one.micros else "" for way in ways]
        table.add_row(one.case.name, *cells)
    console.print(table)
    goals = Printed("goal", "at most", "is", "")
    for said in against_goals(results):
        met = "reached" if said["ratio"] <= said["most"] else "missed"
        goals.add_row(said["goal"], f"{said['most']:.2f}", f"{said['ratio']:.2f}", met)
    console.print(goals)


def against_goals(results: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return each goal with the ratio measured."""
    found = {one.case: one.micros for one in results}
    return [
        {
            "goal": f"{goal.case.name}: {goal.way} ÷ {goal.against}",
            "most": goal.most,
            "ratio": found[goal.case][goal.way] / found[goal.case][goal.against],
        }
        for goal in GOALS
        if goal.case in found
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="turns of each way; a tenth of them for 10,000 rows")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    asked = parser.parse_args()
    results = measured(asked.rounds)
    if asked.json:
        said = [{"case": one.case.name, "micros": dict(one.micros)} for one in results]
        print(json.dumps({"measured": said, "goals": against_goals(results)}, indent=2))
    else:
        printed(results, Console())


if __name__ == "__main__":
    main()
