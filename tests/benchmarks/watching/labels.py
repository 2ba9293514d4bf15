"""Joining predictions with labels: how long, and how much memory, beside reading the same files alone?

A thousand record parts of 30 features and ten label files lie in a folder: Parquet, as production has them. Each
round runs in a process of its own. The floor is what nobody can do without: reading the join's columns of every file
by Arrow, and keeping none of them. Processor time is the surest figure on a machine with other work to do.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.stored.labels import StoredLabels
from serinus.domain.label_files import LABEL
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.alone import in_turns, measured

START = datetime(2026, 3, 4, tzinfo=UTC)
_PARTS, _FILES, _FEATURES = 1_000, 10, 30
_KEYS = ("_request", "_id", "_row", "_row_id", "_at", "_inputs", "_score", "id", "label")


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
        keys = (path.relative_to(self._folder).as_posix() for path in folder.rglob("*.*"))
        return sorted(key for key in keys if key.startswith(prefix))

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the length in bytes of every object with that prefix, by key."""
        return {key: self.size(key) for key in self.list(prefix)}

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix, as if all were as old."""
        return [(key, START) for key in self.list(prefix)]


def measure(tell: Tell, *, rows: int, rounds: int) -> Section:
    """Write the files, then take turns."""
    with TemporaryDirectory(prefix="serinus-bench-") as folder:
        tell(f"writing {rows:,} predictions in {_PARTS} parts, and as many labels in {_FILES} files")
        _write(FolderObjects(Path(folder)), rows)
        return section(in_turns(tell, __name__, list(_WORK), [folder], rounds=rounds))


def section(found: Mapping[str, Mapping[str, float]]) -> Section:
    """Judge what was found: every prediction has one label, and has to meet it."""
    floor, join = found["read"], found["join"]
    names = {"read": "reading the files alone", "join": "joining, result in memory"}
    return Section(
        name="labels",
        title=f"{join['rows']:,.0f} predictions joined with their labels",
        columns=("what", "s", "CPU s", "CPU, × reading", "rows/s", "peak MB"),
        rows=[
            (
                names[way],
                f"{one['seconds']:.2f}",
                f"{one['cpu']:.2f}",
                f"{one['cpu'] / floor['cpu']:.1f}",
                f"{one['rows'] / one['seconds']:,.0f}",
                f"{one['megabytes']:.0f}",
            )
            for way, one in found.items()
        ],
        figures=found,
        goals=[
            Goal("predictions that did not meet their label", join["rows"] - join["labelled"], 0, promised=True),
            Goal("predictions that were written and not read", floor["rows"] - join["rows"], 0, promised=True),
        ],
        notes=["Processes of their own, in turns. MB: beyond the imports."],
    )


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
        columns = record_columns(own, minute, chance)
        features = {f"feature_{number}": chance.normal(size=each) for number in range(_FEATURES)}
        objects.put(f"records/fraud/2/{minute:%Y-%m-%dT%H:%M}/part.parquet", parquet(columns | features))
    for number in range(_FILES):
        own = ids[number::_FILES]
        labels = chance.integers(0, 2, len(own)).astype(np.float64)
        objects.put(f"labels/fraud/{number}.parquet", parquet({"id": pa.array(own), "label": labels}))


def record_columns(ids: Sequence[str], minute: datetime, chance: np.random.Generator) -> dict[str, object]:
    """Return what a part says of each of its rows besides the features."""
    return {
        "_request": pa.array(ids),
        "_id": pa.array(ids),
        "_row": np.zeros(len(ids)),
        "_row_id": pa.nulls(len(ids), pa.string()),
        "_at": minute.timestamp() + np.sort(chance.random(len(ids))) * 59,
        "_inputs": np.ones(len(ids)),
        "_score": chance.random(len(ids)),
        "_latency_ms": chance.random(len(ids)),
    }


def parquet(columns: dict[str, object]) -> bytes:
    """Return a Parquet file."""
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, compression="zstd")
    return body.getvalue()


_WORK = {"read": _read, "join": _joined}


if __name__ == "__main__":
    told: list[tuple[int, int]] = []
    figures = measured(lambda: told.append(_WORK[sys.argv[1]](FolderObjects(Path(sys.argv[2])))))
    print(json.dumps(figures | {"rows": told[0][0], "labelled": told[0][1]}))
