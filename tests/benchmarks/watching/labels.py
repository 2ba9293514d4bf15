"""Joining predictions with labels: how long, and how much memory, beside reading the same files alone?

    python -m tests.benchmarks.watching.labels [--rows 1000000] [--rounds 3]

A thousand record parts of 30 features and ten label files lie in a folder: Parquet, as production has them. Each
round runs in a process of its own. The floor is what nobody can do without: reading the join's columns of every file
by Arrow, and keeping none of them. Processor time is the surest figure on a machine with other work to do.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.stored.labels import StoredLabels
from serinus.domain.label_files import LABEL

START = datetime(2026, 3, 4, tzinfo=UTC)
_PARTS, _FILES, _FEATURES = 1_000, 10, 30
_KEYS = ("_request", "_id", "_row", "_row_id", "_at", "_inputs", "_score", "id", "label")
_MODES = ("read", "join")


class FolderObjects:
    """`Objects` in a folder, as far as a join asks for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes:
        """Return the object."""
        return (self._folder / key).read_bytes()

    def put(self, key: str, body: bytes) -> None:
        """Write the object."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def create(self, key: str, body: bytes) -> None:
        """Write the object."""
        self.put(key, body)

    def delete(self, key: str) -> None:
        """Remove the object."""
        (self._folder / key).unlink(missing_ok=True)

    def size(self, key: str) -> int:
        """Return its length in bytes."""
        return (self._folder / key).stat().st_size

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix, sorted."""
        folder = self._folder / prefix.rpartition("/")[0]
        keys = (path.relative_to(self._folder).as_posix() for path in folder.rglob("*.parquet"))
        return sorted(key for key in keys if key.startswith(prefix))

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix, as if all were as old."""
        return [(key, START) for key in self.list(prefix)]


def main() -> None:
    """Write the files, then take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", choices=_MODES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        print(json.dumps(_measured(asked.run, FolderObjects(asked.folder))))
        return
    with TemporaryDirectory(prefix="serinus-bench-") as folder:
        print(
            f"writing {asked.rows:,} predictions in {_PARTS} parts, and as many labels in {_FILES} files", flush=True
        )
        _write(FolderObjects(Path(folder)), asked.rows)
        found: dict[str, list[dict[str, float]]] = {mode: [] for mode in _MODES}
        for number in range(asked.rounds):
            for mode in _MODES:
                print(f"round {number + 1} of {asked.rounds}: {mode}", file=sys.stderr, flush=True)
                found[mode].append(_in_a_process(mode, folder))
    _tell(found)


def _in_a_process(mode: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, "--run", mode, "--folder", folder]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    said: dict[str, float] = json.loads(ran.stdout)
    return said


def _tell(found: dict[str, list[dict[str, float]]]) -> None:
    medians = {
        mode: {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
        for mode, rounds in found.items()
    }
    floor = medians["read"]
    print(f"\n{'':<28}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'rows/s':>12}{'CPU × floor':>13}")
    for mode, name in (("read", "reading the files alone"), ("join", "joining, result in memory")):
        one = medians[mode]
        print(
            f"{name:<28}{one['wall']:>9.2f}{one['cpu']:>9.2f}{one['peak_mb']:>9.0f}"
            f"{one['rows'] / one['wall']:>12,.0f}{one['cpu'] / floor['cpu']:>13.1f}"
        )
    print(f"\n{medians['join']['labelled']:,.0f} of {medians['join']['rows']:,.0f} predictions met their label")


def _measured(mode: str, objects: FolderObjects) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    rows, labelled = _read(objects) if mode == "read" else _joined(objects)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024,
        "rows": rows,
        "labelled": labelled,
    }


def _read(objects: FolderObjects) -> tuple[int, int]:
    rows = 0
    for key in (*objects.list("records/"), *objects.list("labels/")):
        file = pq.ParquetFile(io.BytesIO(objects.get(key)))
        wanted = [name for name in _KEYS if name in file.schema_arrow.names]
        rows += file.read(columns=wanted).num_rows if key.startswith("records/") else 0
    return rows, 0


def _joined(objects: FolderObjects) -> tuple[int, int]:
    found = StoredLabels(objects).join(
        "fraud", [2], START, START + timedelta(days=1), columns=("_at", "_inputs", "_score")
    )
    table = found.by_release[2]
    return table.rows, int(np.sum(~np.isnan(table.columns[LABEL].astype(np.float64))))


def _write(objects: FolderObjects, rows: int) -> None:
    chance, each = np.random.default_rng(0), rows // _PARTS
    ids: list[str] = []
    for part in range(_PARTS):
        own = [f"{part:04d}{row:04d}-4fd1-8a8e-1234567890ab" for row in range(each)]
        ids += own
        minute = START + timedelta(minutes=part)
        columns = {
            "_request": pa.array(own),
            "_id": pa.array(own),
            "_row": np.zeros(each),
            "_row_id": pa.nulls(each, pa.string()),
            "_at": minute.timestamp() + np.sort(chance.random(each)) * 59,
            "_inputs": np.ones(each),
            "_score": chance.random(each),
            "_latency_ms": chance.random(each),
        }
        features = {f"feature_{number}": chance.normal(size=each) for number in range(_FEATURES)}
        objects.put(f"records/fraud/2/{minute:%Y-%m-%dT%H:%M}/part.parquet", _parquet(columns | features))
    for number in range(_FILES):
        own = ids[number::_FILES]
        labels = chance.integers(0, 2, len(own)).astype(np.float64)
        objects.put(f"labels/fraud/{number}.parquet", _parquet({"id": pa.array(own), "label": labels}))


def _parquet(columns: dict[str, object]) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, compression="zstd")
    return body.getvalue()


if __name__ == "__main__":
    main()
