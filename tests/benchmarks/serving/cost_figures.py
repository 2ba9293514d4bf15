"""Measures what the cost table is made of: the real log line, its collection, the sizes of what is stored."""

from __future__ import annotations

import base64
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from serinus import settings
from serinus.adapters.aws.model_layers import layer_zip
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.schemas.log_batch import read_log_batch
from serinus.adapters.stored.profile_parts import StoredProfileParts
from serinus.adapters.stored.records import StoredRecords
from serinus.adapters.stored.references import StoredReferences
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.domain.profile import empty
from serinus.domain.quality import ScoreTable
from serinus.domain.rollout import Release
from serinus.use_cases.collect_predictions import Collecting, collect_predictions
from tests.benchmarks.progress import Tell
from tests.benchmarks.serving import release, start
from tests.benchmarks.serving.costs import Measured
from tests.benchmarks.serving.gateway import event
from tests.benchmarks.serving.model import rows, served_model
from tests.benchmarks.serving.servers import OURS

_LINES = 101
_COLLECTED = 9
_ID = "6f747a38-9f2b-4d3c-8b1e-0c5d7a1e2f34"  # as long as Lambda's
_PLATFORM_LINES = (
    f'{{"time":"2026-01-01T00:00:00.000Z","type":"platform.start","record":{{"requestId":"{_ID}","version":"7"}}}}',
    f'{{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{{"requestId":"{_ID}","metrics":'
    '{"durationMs":1.234,"billedDurationMs":2,"memorySizeMB":1024,"maxMemoryUsedMB":64},"status":"success"}}',
)
_ANSWERING = """
import contextlib, io, json, statistics, sys, time, types
from functions.infer.handler import handler
asked = json.load(sys.stdin)
written, waits = io.StringIO(), []
with contextlib.redirect_stdout(written):
    for at, event in enumerate(asked):
        context = types.SimpleNamespace(aws_request_id=f'6f747a38-9f2b-4d3c-8b1e-{at:012}')
        begun = time.thread_time()
        said = handler(event, context)
        waits.append(time.thread_time() - begun)
        assert said['statusCode'] == 200, said
print(json.dumps([statistics.median(waits) * 1e3, len(said['body']), written.getvalue().splitlines()]))
"""


def measure(tell: Tell, *, start_ms: float | None = None) -> Measured:
    """Measure one endpoint's figures; how long its start takes only where that is not known yet."""
    with tempfile.TemporaryDirectory(prefix="costs-") as folder:
        laid = release.lay(Path(folder))
        if start_ms is None:
            tell("starting fresh processes")
            started = [start.once(start.WAYS[start.OURS], laid)["cpu_ms"] for _ in range(6)]
            start_ms = statistics.median(started[1:])
        tell("answering one row at a time")
        request_bytes, answer_ms, answer_bytes, lines = _answered(laid)
    tell("collecting the prediction log")
    alone, many = _collected(lines[:1]), _collected(lines)
    further = len(lines) - 1
    return Measured(
        answer_ms=answer_ms,
        start_ms=start_ms,
        line_bytes=statistics.mean(len(line) for line in lines),
        platform_bytes=sum(map(len, _PLATFORM_LINES)),
        request_bytes=request_bytes,
        answer_bytes=answer_bytes,
        collect_ms=alone["ms"],
        collect_more_ms=(many["ms"] - alone["ms"]) / further,
        records_bytes=alone["records"],
        records_more_bytes=(many["records"] - alone["records"]) / further,
        part_bytes=alone["parts"],
        model_bytes=len(layer_zip(release.model_version(), served_model().onnx, release.layout())),
    )


def _answered(laid: Path) -> tuple[float, float, float, list[str]]:
    bodies = OURS.bodies([row.tolist() for row in rows(_LINES)])
    asked = [event(OURS.path, {"content-type": "application/json"}, body) for body in bodies]
    done = subprocess.run(
        [sys.executable, "-c", _ANSWERING],
        env=release.environment(laid),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    answer_ms, answer_bytes, lines = json.loads(done.stdout)
    return statistics.mean(map(len, bodies)), answer_ms, answer_bytes, lines


def _collected(lines: Sequence[str]) -> dict[str, float]:
    """Collect a delivery of these lines a few times; return the median ms of work, and the bytes it leaves."""
    delivery = _delivery(lines)
    took = []
    for _ in range(_COLLECTED):
        data = MemoryObjects()
        collecting = _collecting(data)
        begun = time.process_time()
        batch = read_log_batch(delivery)
        if batch is None or not collect_predictions(batch, collecting=collecting):
            raise RuntimeError("nothing was collected")
        took.append((time.process_time() - begun) * 1e3)
    kept = {kind: sum(len(data.get(key)) for key in data.list(prefix)) for kind, prefix in _KEPT.items()}
    return {"ms": statistics.median(took), **kept}


_KEPT = {"records": "records/", "parts": "profiles/"}


def _collecting(data: MemoryObjects) -> Collecting:
    rollouts, references = StoredRollouts(MemoryDocuments()), StoredReferences(MemoryObjects())
    version, at = release.model_version(), datetime(2026, 1, 1, tzinfo=UTC)
    rollouts.record_release(
        Release(release.ENDPOINT, release.RELEASE, version.number, version.content_digest, "layer", at, "v3-0")
    )
    layout = release.layout()
    nothing = np.zeros(len(layout.score.edges) - 1, dtype=np.int64)
    held_out = ScoreTable(layout.score.edges, nothing, nothing)
    references.put(release.ENDPOINT, version.content_digest, empty(layout), held_out)
    return Collecting(rollouts, references, StoredRecords(data), StoredProfileParts(data))


def _delivery(lines: Sequence[str]) -> dict[str, Any]:
    """Return what CloudWatch Logs delivers of these lines, the platform's beside each."""
    messages = [message for line in lines for message in (_PLATFORM_LINES[0], line, _PLATFORM_LINES[1])]
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": settings.inference_log_group(release.ENDPOINT),
        "logStream": f"2026/01/01/[{release.RELEASE}]0123456789abcdef0123456789abcdef",
        "subscriptionFilters": ["predictions"],
        "logEvents": [
            {"id": f"{at:056d}", "timestamp": 1_767_225_600_000, "message": message}
            for at, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()}}
