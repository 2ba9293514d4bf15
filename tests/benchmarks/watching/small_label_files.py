"""Labels that come a few at a time: what a join costs by how many files they are in, before and after compacting.

Each file is a call of `POST /endpoints/{e}/labels`: fifty labels in JSON Lines, named by its content. The predictions
lie in ten parts, so that reading labels is what is measured. Requests are those that S3 would charge: one for each
object read, written or removed, and one for each thousand keys listed. Each round runs in a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from serinus.adapters.stored.labels import StoredLabels
from serinus.domain.label_files import LABEL
from serinus.errors import ObjectNotFound
from tests.benchmarks.figures import Goal, Section
from tests.benchmarks.progress import Tell
from tests.benchmarks.watching.alone import in_turns, measured
from tests.benchmarks.watching.labels import START, FolderObjects, parquet, record_columns

_LABELS_A_FILE, _PARTS, _KEYS_A_LIST = 50, 10, 1_000


class CountedObjects(FolderObjects):
    """A folder that counts requests as S3 charges them: cheap ones (reads) and dear ones (writes and lists)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads = self.writes_and_lists = 0
        self._lock = threading.Lock()

    def _count(self, *, reads: int = 0, writes_and_lists: int = 0) -> None:
        with self._lock:
            self.reads += reads
            self.writes_and_lists += writes_and_lists

    def get(self, key: str) -> bytes:
        """Return the object."""
        self._count(reads=1)
        return super().get(key)

    def put(self, key: str, body: bytes) -> None:
        """Write the object."""
        self._count(writes_and_lists=1)
        super().put(key, body)

    def size(self, key: str) -> int:
        """Return its length in bytes.

        Raises:
            ObjectNotFound: there is none.
        """
        self._count(reads=1)
        try:
            return super().size(key)
        except FileNotFoundError as error:
            raise ObjectNotFound(key) from error

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the length of every object with that prefix."""
        return {key: FolderObjects.size(self, key) for key in self.list(prefix)}

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix, sorted."""
        found = super().list(prefix)
        self._count(writes_and_lists=1 + max(len(found) - 1, 0) // _KEYS_A_LIST)
        return found


def measure(tell: Tell, *, files: int, rounds: int) -> Section:
    """Write the files, then take turns: join as they came, fold a copy of them, join what was folded."""
    with TemporaryDirectory(prefix="serinus-bench-") as name:
        tell(f"writing {files:,} label files of {_LABELS_A_FILE} labels")
        came, folded = Path(name, "came"), Path(name, "folded")
        _write(FolderObjects(came), files)
        shutil.copytree(came, folded)
        _fold(CountedObjects(folded))
        return section(files, in_turns(tell, __name__, list(_WORK), [str(came), str(folded)], rounds=rounds))


def section(files: int, found: Mapping[str, Mapping[str, float]]) -> Section:
    """Judge what was found: every prediction has one label, and has to meet it, folded or not."""
    names = {"came": "joining them as they came", "fold": "folding them, once", "folded": "joining what was folded"}
    came, folded = found["came"], found["folded"]
    return Section(
        name="small_label_files",
        title=f"{came['rows']:,.0f} labels that came in {files:,} files",
        columns=("what", "s", "CPU s", "GET", "PUT, LIST", "peak MB"),
        rows=[
            (
                names[way],
                f"{one['seconds']:.2f}",
                f"{one['cpu']:.2f}",
                f"{one['reads']:,.0f}",
                f"{one['writes_and_lists']:,.0f}",
                f"{one['megabytes']:.0f}",
            )
            for way, one in found.items()
        ],
        figures=found,
        goals=[
            Goal("labels that met no prediction as they came", came["rows"] - came["labelled"], 0, promised=True),
            Goal("labels that met no prediction folded", came["rows"] - folded["labelled"], 0, promised=True),
        ],
        notes=["Processes of their own, in turns. MB: beyond the imports. S3 charges nothing for removing."],
    )


def _join(objects: FolderObjects) -> tuple[int, int]:
    found = StoredLabels(objects).join("fraud", [2], START, START + timedelta(days=1), columns=("_score",))
    table = found.by_release[2]
    return table.rows, int(np.sum(~np.isnan(table.columns[LABEL].astype(np.float64))))


def _fold(objects: FolderObjects) -> tuple[int, int]:
    labels = StoredLabels(objects).fold("fraud", START + timedelta(days=1))
    return labels.files * _LABELS_A_FILE, 0


def _write(objects: FolderObjects, files: int) -> None:
    chance, each = np.random.default_rng(0), files * _LABELS_A_FILE // _PARTS
    ids: list[str] = []
    for part in range(_PARTS):
        own = [f"{part:04d}{row:06d}-4fd1-8a8e-1234567890ab" for row in range(each)]
        ids += own
        minute = START + timedelta(minutes=part)
        columns = record_columns(own, minute, chance)
        objects.put(f"records/fraud/2/{minute:%Y-%m-%dT%H:%M}/part.parquet", parquet(columns))
    for number in range(files):
        lines = [
            json.dumps({"id": one, "row": 0, "label": float(chance.integers(0, 2)), "time": _time(number)})
            for one in ids[number * _LABELS_A_FILE : (number + 1) * _LABELS_A_FILE]
        ]
        body = "".join(f"{line}\n" for line in lines).encode()
        objects.put(f"labels/fraud/{hashlib.sha256(body).hexdigest()}.jsonl", body)


def _time(number: int) -> str:
    instant: datetime = START + timedelta(seconds=number)
    return instant.isoformat()


def _work(way: str, came: Path, folded: Path) -> tuple[CountedObjects, dict[str, float]]:
    if way == "fold":
        with TemporaryDirectory(prefix="serinus-bench-") as name:
            copy = Path(name, "copy")
            shutil.copytree(came, copy)
            return _measured(CountedObjects(copy), way)
    return _measured(CountedObjects(folded if way == "folded" else came), way)


def _measured(objects: CountedObjects, way: str) -> tuple[CountedObjects, dict[str, float]]:
    told: list[tuple[int, int]] = []
    figures = measured(lambda: told.append(_WORK[way](objects)))
    return objects, figures | {"rows": told[0][0], "labelled": told[0][1]}


_WORK = {"came": _join, "fold": _fold, "folded": _join}


if __name__ == "__main__":
    asked, counted = _work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    print(json.dumps(counted | {"reads": asked.reads, "writes_and_lists": asked.writes_and_lists}))
