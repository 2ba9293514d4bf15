"""How long a fresh process takes until a model answers, and how long one row takes then.

    python -m tests.benchmarks.inference_startup [rounds]

Each way is measured in processes of its own, in turns, so that a busy machine is unfair to none; medians count. The
clock is the process's own processor time, which others on a shared machine do not add to.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import serinus
from tests.models import logistic_model
from tests.unit.functions.test_infer import ENVIRONMENT, lay

COLUMNS = tuple(f"c{at}" for at in range(30))
ROUNDS = 15
_SIGNATURE = f"""
from serinus.domain.signature import Datatype, InputTensor, OutputTensor, Score, Signature
signature = Signature(
    (InputTensor("features", Datatype.FP32, {COLUMNS!r}),),
    (OutputTensor("probabilities", Datatype.FP32, (-1, 2)),),
    Score("probabilities", 1),
)
"""
_ROW = "row = [0.01 * at for at in range(30)]\n"
_READ = "model = open(sys.argv[1], 'rb').read()\n"
WAYS: Mapping[str, tuple[str, str]] = {
    "bare python": ("", ""),
    "import onnxruntime + session": (
        f"import numpy, onnxruntime\n{_READ}"
        "options = onnxruntime.SessionOptions()\noptions.intra_op_num_threads = options.inter_op_num_threads = 1\n"
        "session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])\n"
        f"{_ROW}features = numpy.array([row], dtype=numpy.float32)\n",
        "session.run(['probabilities'], {'features': features})",
    ),
    "PythonSession": (
        f"import numpy\nfrom serinus.adapters.onnx.session import PythonSession\n{_SIGNATURE}{_READ}"
        f"session = PythonSession(model, signature)\n{_ROW}features = numpy.array([row], dtype=numpy.float32)\n",
        "session.run({'features': features})",
    ),
    "CApiSession, values": (
        f"from serinus.adapters.onnx.c_api.session import CApiSession\n{_SIGNATURE}{_READ}"
        "from serinus.domain.tensor import Tensor\n"
        f"session = CApiSession(model, signature)\n{_ROW}",
        "session.run_tensors({'features': Tensor.of(Datatype.FP32, (1, 30), row)})",
    ),
    "CApiSession, tensors": (
        f"from serinus.adapters.onnx.c_api.session import CApiSession\n{_SIGNATURE}{_READ}"
        "from array import array\nfrom serinus.domain.tensor import Tensor\n"
        f"session = CApiSession(model, signature)\n{_ROW}features = array('f', row).tobytes()\n",
        "session.run_tensors({'features': Tensor(Datatype.FP32, (1, 30), features)})",
    ),
    "CApiSession, arrays": (
        f"import numpy\nfrom serinus.adapters.onnx.c_api.session import CApiSession\n{_SIGNATURE}{_READ}"
        f"session = CApiSession(model, signature)\n{_ROW}features = numpy.array([row], dtype=numpy.float32)\n",
        "session.run({'features': features})",
    ),
    "infer, event to answer": (
        "import os\nsys.path.insert(0, os.path.dirname(sys.argv[1]))\n"
        "from functions.infer.handler import handler\n"
        "class context: aws_request_id = 'request'\n"
        f'{_ROW}body = \'{{"inputs": [{{"name": "features", "shape": [1, 30], "datatype": "FP32", '
        '"data": \' + str(row) + \'}}], "outputs": [{{"name": "probabilities"}}]}}\'\n'
        "sys.stdout = open(os.devnull, 'w')\n",
        "handler({'body': body}, context)",
    ),
}
_MEASURED = """
import sys, time
{prepare}
{run}
_ready = time.process_time()
import json, timeit
_once = timeit.Timer({run!r}, globals=globals(), timer=time.thread_time)
_micros = min(_once.repeat(repeat=9, number=400)) / 400 * 1e6
sys.stdout = sys.__stdout__
_resident = int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6
print(json.dumps([_ready * 1e3, _micros, _resident]))
"""


def main() -> None:
    """Measure every way in turns, and print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.onnx")
        served, signature = logistic_model(COLUMNS)
        model.write_bytes(served)
        lay(Path(folder), served, signature)
        for _ in range(rounds + 1):
            for name in WAYS:
                found[name].append(_measure(name, model))
    told = {
        name: [statistics.median(column) for column in zip(*measured[1:], strict=True)]
        for name, measured in found.items()
    }
    print(f"medians of {rounds} fresh processes each; logistic regression, {len(COLUMNS)} features\n")
    print("\n".join(_table(told)))


def _measure(name: str, model: Path) -> list[float]:
    """Return the processor's ms from the process's start to its first answer, µs a row, and MB in memory."""
    prepare, run = WAYS[name]
    code = _MEASURED.format(prepare=prepare, run=run or "pass")
    places = os.pathsep.join((str(Path(serinus.__path__[0]).parent), str(Path(__file__).parents[2])))
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": places}
    done = subprocess.run(
        [sys.executable, "-c", code, str(model)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    measured: list[float] = json.loads(done.stdout)
    return measured


def _table(told: Mapping[str, list[float]]) -> list[str]:
    start, row, _ = told["import onnxruntime + session"]
    lines = [
        "| way | CPU to first answer, ms | × import onnxruntime | one row, µs | × raw run | MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, (ready, micros, resident) in told.items():
        asked = f"{micros:.1f} | {micros / row:.2f}" if WAYS[name][1] else " | "
        lines.append(f"| {name} | {ready:.1f} | {ready / start:.2f} | {asked} | {resident:.0f} |")
    return lines


if __name__ == "__main__":
    main()
