"""How long a fresh process takes until a model is ready, and until it has answered once.

Each way is measured in processes of its own, in turns, so that a busy machine is unfair to none; medians count.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.environments import PEERS, PeerSkipped, interpreter
from tests.benchmarks.figures import Goal, Section, medians
from tests.benchmarks.progress import Tell
from tests.benchmarks.serving import release
from tests.benchmarks.serving.gateway import event
from tests.benchmarks.serving.model import FEATURES, rows

_OBVIOUS = "obvious"


@dataclass(frozen=True)
class Way:
    """One way to come to an answer.

    Attributes:
        ready: what a process runs until the model is loaded; `MODEL` in the environment is its file.
        ask: what it then runs once.
        peer: whose environment it runs in; `None` for ours.
    """

    ready: str
    ask: str = "pass"
    peer: str | None = None


_SESSION = (
    "options = onnxruntime.SessionOptions()\noptions.intra_op_num_threads = options.inter_op_num_threads = 1\n"
    "session = onnxruntime.InferenceSession(os.environ['MODEL'], options, providers=['CPUExecutionProvider'])\n"
)
_RELEASED = (
    "import json\nfrom importlib.resources import files\n"
    "from serinus.adapters.onnx.signature_json import parse_signature\n"
    "package = files('serinus_release')\n"
    "signature = parse_signature(json.loads(package.joinpath('release.json').read_bytes())['signature'])\n"
    "model = package.joinpath('model.onnx').read_bytes()\n"
)
_EVENT = "import json, types\nevent = json.loads(os.environ['EVENT'])\ncontext = types.SimpleNamespace({context})\n"
_OUR_CONTEXT = "aws_request_id='r'"
_THEIR_CONTEXT = (
    "aws_request_id='r', function_name='f', memory_limit_in_mb=1024, invoked_function_arn='arn:aws:lambda:f'"
)
BARE, IMPORTED, OURS, THEIRS = (
    "bare python",
    "import onnxruntime + session",
    "infer",
    "the obvious handler",
)
WAYS: Mapping[str, Way] = {
    BARE: Way(""),
    IMPORTED: Way(
        f"import numpy, onnxruntime\n{_SESSION}",
        "session.run(['probabilities'], {'features': numpy.array([row], dtype=numpy.float32)})",
    ),
    "our session over the ordinary binding": Way(
        f"import numpy\nfrom serinus.adapters.onnx.session import PythonSession\n{_RELEASED}"
        "session = PythonSession(model, signature)\n",
        "session.run({'features': numpy.array([row], dtype=numpy.float32)})",
    ),
    "our session over the C API": Way(
        f"from serinus.adapters.onnx.c_api.session import CApiSession\n{_RELEASED}"
        "from serinus.domain.signature import Datatype\nfrom serinus.domain.tensor import Tensor\n"
        "session = CApiSession(model, signature)\n",
        "session.run_tensors({'features': Tensor.of(Datatype.FP32, (1, 30), row)})",
    ),
    OURS: Way(
        "from functions.infer.handler import handler\n",
        f"{_EVENT.format(context=_OUR_CONTEXT)}assert handler(event, context)['statusCode'] == 200",
    ),
    THEIRS: Way(
        "from obvious_handler import handler\n",
        f"{_EVENT.format(context=_THEIR_CONTEXT)}assert handler(event, context)['statusCode'] == 200",
        peer=_OBVIOUS,
    ),
}
_MEASURED = """
import os, sys, time
{ready}
_ready, _cpu = time.monotonic(), time.process_time()
row = [0.01 * at for at in range(30)]
{ask}
_answered = time.monotonic()
_begun = float(sys.argv[1])
_resident = int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6
print()
print([(_ready - _begun) * 1e3, _cpu * 1e3, (_answered - _begun) * 1e3, _resident])
"""


def measure(tell: Tell, *, rounds: int) -> Section:
    """Measure every way so many times; one more round before them warms the disk's cache and compiles modules."""
    skipped: list[str] = []
    ways = dict(WAYS)
    tell("making the obvious handler's environment")
    try:
        interpreter(_OBVIOUS)
    except PeerSkipped as absent:
        skipped.append(str(absent))
        del ways[THEIRS]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(prefix="start-") as folder:
        laid = release.lay(Path(folder))
        for at in range(rounds + 1):
            tell(f"starting fresh processes, round {at} of {rounds}")
            for name, way in ways.items():
                found[name].append(once(way, laid))
    return _section({name: medians(measured[1:]) for name, measured in found.items()}, skipped, rounds)


def once(way: Way, laid: Path) -> dict[str, float]:
    """Start one process; return what it took in ms and holds in MB."""
    environment = {**release.environment(laid), "MODEL": str(laid / "serinus_release" / "model.onnx")}
    row = rows(1)[0].tolist()
    if way.peer is None:
        python = Path(sys.executable)
        tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
        path, body = f"/v2/models/{release.ENDPOINT}/infer", json.dumps({"inputs": [tensor]})
    else:
        python = interpreter(way.peer)
        path, body = "/predict", json.dumps({"rows": [dict(zip(FEATURES, row, strict=True))]})
        told = {"POWERTOOLS_SERVICE_NAME": "benchmark", "POWERTOOLS_METRICS_NAMESPACE": "benchmark"}
        environment |= {**told, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(PEERS)}
    code = _MEASURED.format(ready=way.ready, ask=way.ask)
    done = subprocess.run(
        [str(python), "-c", code, str(time.monotonic())],
        env=environment | {"EVENT": json.dumps(event(path, {"content-type": "application/json"}, body))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    ready, used, answered, resident = json.loads(done.stdout.splitlines()[-1])
    return {"ready_ms": ready, "cpu_ms": used, "first_answer_ms": answered, "resident_mb": resident}


def _section(told: Mapping[str, Mapping[str, float]], skipped: list[str], rounds: int) -> Section:
    imported = told[IMPORTED]
    table = [
        (
            name,
            f"{each['ready_ms']:.0f}",
            f"{each['ready_ms'] / imported['ready_ms']:.2f}",
            f"{each['cpu_ms']:.0f}",
            f"{each['cpu_ms'] / imported['cpu_ms']:.2f}",
            f"{each['first_answer_ms']:.0f}",
            f"{each['resident_mb']:.0f}",
        )
        for name, each in told.items()
    ]
    goals = [
        Goal(f"infer, {what}, × {against}", told[OURS][figure] / told[against][figure], limit)
        for against, limit in ((IMPORTED, 0.5), (THEIRS, 0.1))
        if against in told
        for figure, what in (("ready_ms", "ready"), ("cpu_ms", "processor time until ready"))
    ]
    return Section(
        name="start",
        title="A fresh process, from asking for it until the model is ready",
        columns=("what starts", "ready, ms", "× import", "CPU ms", "× import", "first answer, ms", "MB"),
        rows=table,
        figures=told,
        goals=goals,
        notes=(
            f"Medians of {rounds} fresh processes each, in turns; modules compiled, files in the page cache. The "
            "obvious handler: Powertools' logger, metrics, tracer and resolver, Pydantic, boto3, ONNX Runtime.",
            *skipped,
        ),
    )
