"""Measures what a model takes to serve, in a process of its own: nothing else's memory or threads count into it."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.onnx.signature_json import parse_signature
from serinus.adapters.onnx.tensors import tensors_from
from serinus.domain.footprint import Footprint, quickest
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import ModelFailed, ModelOverran, ModelRefused

Tensors = Mapping[str, npt.NDArray[np.generic]]

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from serinus.adapters.onnx import footprint
footprint.main()
"""
_ROOM_BYTES = 1_500_000_000  # of address space, for the model: `validate_model` has 2 GB of memory, and needs some
_OVERRAN = 3  # the exit code
_BATCH_ROWS = 1_000
_BATCH_CELLS = 1_000_000
_REPEATS = 5
_SINGLE_ROWS = 40  # a repeat
_ENOUGH_SECONDS = 2.0  # of each kind of run
_GROWTH = 8  # of a batch that was done quickly
_STATUS = Path("/proc/self/status")
_SIZES = Path("/proc/self/statm")  # the first is the address space, in pages
_NO_ROOM = ("Failed to allocate memory", "bad_alloc", "bad allocation", "MemoryError")  # ONNX Runtime's own words


def footprint_apart(
    model: bytes, signature: Signature, features: Table, timeout_seconds: float, *, room_bytes: int = _ROOM_BYTES
) -> Footprint:
    """Load the model and run it on single rows and on a batch, with one thread, for a few seconds at most.

    A model that takes seconds for a row is asked about one.

    Args:
        model: the ONNX file, which passed every check.
        signature: the model's.
        features: rows it can score; at most `_BATCH_ROWS` are.
        timeout_seconds: within which all of it must be done.
        room_bytes: of address space, that loading and running it may take.

    Raises:
        ModelOverran: it took longer, or more memory, or ended the process.
        ModelFailed: it could not be loaded or run.
    """
    rows = min(_BATCH_ROWS, max(1, _BATCH_CELLS // max(1, len(features.columns))))
    tensors = tensors_from(signature, features.slice(0, rows))
    header = json.dumps({"signature": asdict(signature), "room": room_bytes}).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            input=b"".join(_framed(part) for part in (header, _packed(tensors), model)),
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelOverran(f"it took longer than {timeout_seconds:g} seconds in a process of its own") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        said = lines[-1][:400] if lines else "no word"
        if done.returncode == _OVERRAN:
            raise ModelOverran(f"it took more than {room_bytes / 1e6:,.0f} MB of memory: {said}")
        if done.returncode < 0:
            raise ModelOverran(f"it ended its process ({signal.Signals(-done.returncode).name}): {said}")
        raise ModelFailed(f"its process ended with {done.returncode}: {said}")
    return Footprint(**json.loads(done.stdout))


def main() -> None:
    """Read limit, signature, rows and model from standard input; write the footprint to standard output."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    header = json.loads(_unframed(sys.stdin.buffer))
    tensors, model = _unpacked(_unframed(sys.stdin.buffer)), _unframed(sys.stdin.buffer)
    before = _memory()
    _limit_room(header["room"])
    try:
        found = _measured(model, parse_signature(header["signature"]), tensors, before)
    except (ModelFailed, ModelRefused) as failure:
        sys.stderr.write(str(failure))
        sys.exit(_OVERRAN if any(words in str(failure) for words in _NO_ROOM) else 1)
    sys.stdout.write(json.dumps(asdict(found)))


def _measured(model: bytes, signature: Signature, tensors: Tensors, before: tuple[int, int] | None) -> Footprint:
    session = PythonSession(model, signature)
    rows = len(next(iter(tensors.values())))
    singles = [_rows_of(tensors, row, 1) for row in range(rows)]
    first = _seconds(session, singles[0])
    each, batches, size = [[first]], [first], 1
    if first < _ENOUGH_SECONDS:
        runs = max(1, min(_SINGLE_ROWS, int(_ENOUGH_SECONDS / max(first, 1e-9))))
        each = _repeated(lambda: [_seconds(session, singles[run % rows]) for run in range(runs)])
        size = _size_of_batch(session, tensors, rows, quickest(each)[0])
        batches = [seconds for (seconds,) in _repeated(lambda: [_seconds(session, _rows_of(tensors, 0, size))])]
    p50, p95 = quickest(each)
    return Footprint(
        row_p50_ms=p50 * 1000,
        row_p95_ms=p95 * 1000,
        rows=sum(map(len, each)),
        rows_per_second=size / min(batches),
        batch_rows=size,
        memory_mb=_growth(before, _memory()),
    )


def _size_of_batch(session: PythonSession, tensors: Tensors, rows: int, row_seconds: float) -> int:
    """Return how many rows are scored in a second or two; all, where they are that quick."""
    size = max(1, min(rows, int(_ENOUGH_SECONDS / max(row_seconds, 1e-9))))
    while size < rows and _seconds(session, _rows_of(tensors, 0, size)) < _ENOUGH_SECONDS / _GROWTH:
        size = min(rows, size * _GROWTH)
    return size


def _rows_of(tensors: Tensors, start: int, count: int) -> Tensors:
    return {name: tensor[start : start + count] for name, tensor in tensors.items()}


def _limit_room(room_bytes: int) -> None:
    """Let the process grow by so much and no more; where its size cannot be told, nothing is limited."""
    try:
        size = int(_SIZES.read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (size + room_bytes, size + room_bytes))


def _repeated(run: Callable[[], list[float]]) -> list[list[float]]:
    """Run once to warm up, then up to `_REPEATS` times, as long as there is time."""
    start = time.perf_counter()
    found = [run()]
    while len(found) <= _REPEATS and time.perf_counter() - start < _ENOUGH_SECONDS:
        found.append(run())
    return found[1:] or found


def _seconds(session: PythonSession, tensors: Tensors) -> float:
    start = time.perf_counter()
    session.run(tensors)
    return time.perf_counter() - start


def _memory() -> tuple[int, int] | None:
    """Return what the process holds and held at most, in bytes; `ru_maxrss` would count its parent's peak."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    return _kilobytes(told["VmRSS"]), _kilobytes(told["VmHWM"])


def _kilobytes(text: str) -> int:
    return int(text.split()[0]) * 1024


def _growth(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    if before is None or after is None:
        return None
    held, most = before
    holds, most_now = after
    return max((most_now if most_now > most else holds) - held, 0) / 1e6


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part


def _unframed(stream: BinaryIO) -> bytes:
    return stream.read(int.from_bytes(stream.read(8), "big"))


def _packed(tensors: Tensors) -> bytes:
    """Return tensors as bytes, texts as JSON: `numpy` would pickle them, or make all as long as the longest."""
    texts = {name: tensor.tolist() for name, tensor in tensors.items() if tensor.dtype == object}
    sink = BytesIO()
    numbers = {f"tensor_{name}": tensor for name, tensor in tensors.items() if name not in texts}
    np.savez(sink, texts=np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8), **numbers)  # type: ignore[arg-type]  # numpy's stub takes the names for its own flag
    return sink.getvalue()


def _unpacked(body: bytes) -> Tensors:
    with np.load(BytesIO(body), allow_pickle=False) as found:
        texts = json.loads(found["texts"].tobytes())
        numbers = {name.removeprefix("tensor_"): found[name] for name in found.files if name != "texts"}
    return numbers | {name: np.array(values, dtype=object) for name, values in texts.items()}
