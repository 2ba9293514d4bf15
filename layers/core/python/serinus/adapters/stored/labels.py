"""The truth, as it arrives in files, and joined with the predictions that it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from serinus.adapters.stored.minutes import fetched, keys_within
from serinus.domain.label_files import Joined, LabelsRead
from serinus.domain.task import Task
from serinus.errors import AlreadyExists, DataRefused
from serinus.use_cases.ports.storage import Objects

if TYPE_CHECKING:
    from serinus.adapters.joins.database import Bounds
    from serinus.adapters.joins.label_files import LabelFile

_KINDS = (".csv", ".jsonl", ".parquet")


class StoredLabels:
    """`Labels` over objects: labels/<endpoint>/<any name>.{csv,jsonl,parquet}, beside `StoredRecords`' parts."""

    def __init__(self, objects: Objects, bounds: Bounds | None = None) -> None:
        self._objects = objects
        self._bounds = bounds

    def join(
        self,
        endpoint: str,
        releases: Sequence[int],
        start: datetime,
        end: datetime,
        *,
        columns: Sequence[str] | None = None,
        task: Task = Task.BINARY,
        id_column: str | None = None,
        before: datetime | None = None,
    ) -> Joined:
        """Return the records of each release asked about in [start, end), with the labels that have come for them.

        Raises:
            DataRefused: two features differ in the case of letters alone.
        """
        from serinus.adapters.joins.database import Bounds
        from serinus.adapters.joins.join import join

        parts = {
            release: keys_within(self._objects, f"records/{endpoint}/{release}/", start, end) for release in releases
        }
        return join(
            self._files(endpoint, before),
            self._objects,
            parts,
            start,
            end,
            columns=columns,
            task=task,
            id_column=id_column,
            bounds=self._bounds or Bounds(),
        )

    def last_arrival(self, endpoint: str, *, before: datetime) -> datetime | None:
        """Return when the last file was written before an instant; `None` where none was."""
        return max((written_at for _, written_at in self._listed(endpoint, before)), default=None)

    def check(self, name: str, body: bytes, *, task: Task = Task.BINARY, id_column: str | None = None) -> LabelsRead:
        """Return what a file says that is to be recorded.

        Raises:
            DataRefused: of which nothing would count; the message says what is wrong, and where.
        """
        from serinus.adapters.joins.database import Bounds
        from serinus.adapters.joins.join import check
        from serinus.adapters.joins.label_files import LabelFile

        _refuse_kind(name)
        file = LabelFile(f"{PurePosixPath(name).stem}{_kind(name)}", body, datetime.now(UTC))
        read = check(file, task, id_column, self._bounds or Bounds())
        if read.refused:
            raise DataRefused(read.refused[0].reason)
        return read

    def record(self, endpoint: str, name: str, body: bytes) -> bool:
        """Keep a file under a name made of its content; return whether it is new.

        Raises:
            DataRefused: the name tells no kind that labels come in.
        """
        _refuse_kind(name)
        try:
            self._objects.create(f"labels/{endpoint}/{hashlib.sha256(body).hexdigest()}{_kind(name)}", body)
        except AlreadyExists:
            return False
        return True

    def _files(self, endpoint: str, before: datetime | None) -> Iterator[LabelFile]:
        from serinus.adapters.joins.label_files import LabelFile

        listed = self._listed(endpoint, before)
        bodies = fetched(self._objects, [key for key, _ in listed])
        for (key, written_at), body in zip(listed, bodies, strict=True):
            yield LabelFile(key, body, written_at)

    def _listed(self, endpoint: str, before: datetime | None) -> list[tuple[str, datetime]]:
        found = self._objects.modified(f"labels/{endpoint}/")
        return [(key, at) for key, at in found if key.endswith(_KINDS) and (before is None or at < before)]


def _kind(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _refuse_kind(name: str) -> None:
    if _kind(name) not in _KINDS:
        raise DataRefused(f"{name} is of no kind that labels come in: name it .csv, .jsonl or .parquet")
