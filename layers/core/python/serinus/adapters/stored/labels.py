"""The truth, as it arrives in files, and joined with the predictions that it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from serinus.adapters.stored.label_keys import (
    KINDS,
    DayKey,
    day_keys,
    day_of,
    days_folder,
    files_folder,
    kind_of,
    known_key,
    latest,
)
from serinus.adapters.stored.minutes import keys_within
from serinus.domain.label_files import FoldedLabels, Joined, LabelsRead
from serinus.domain.task import Task
from serinus.errors import AlreadyExists, DataRefused, ObjectNotFound
from serinus.use_cases.ports.storage import Objects

if TYPE_CHECKING:
    from serinus.adapters.joins.database import Bounds
    from serinus.adapters.joins.join import LabelSources

_EARLIER = timedelta(days=1)  # than its prediction a label cannot be; clocks and stores are no further apart
_LOOKS = 8

Found = TypeVar("Found")


class StoredLabels:
    """`Labels` over objects, whose keys `label_keys` lays out, beside `StoredRecords`' parts.

    Labels move from the files that they came in to files a day, and the latter is there before the former go. So a
    reader lists the former first, and meets every label: where it was, or where it has gone. A file that it meets in
    both is known by its name. Where a file that was listed has gone, the reader looks again.
    """

    def __init__(self, objects: Objects, bounds: Bounds | None = None, *, at_once: int = 16) -> None:
        """Take the objects, what a join may take, and how many objects may be folded or removed at once."""
        self._objects = objects
        self._bounds = bounds
        self._at_once = at_once

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

        Labels that came a day before the window began, or earlier, are of no prediction in it and are left where they
        are; but rows that have ids of their own may be known before they are asked about.

        Raises:
            ObjectNotFound: files went away again and again while they were read.
            DataRefused: two features differ in the case of letters alone, or a day's file cannot be read.
        """
        from serinus.adapters.joins.database import Bounds
        from serinus.adapters.joins.join import join

        parts = {
            release: keys_within(self._objects, f"records/{endpoint}/{release}/", start, end) for release in releases
        }
        since = start - _EARLIER if id_column is None else None

        def look() -> Joined:
            return join(
                self._sources(endpoint, since, before),
                self._objects,
                parts,
                start,
                end,
                columns=columns,
                task=task,
                id_column=id_column,
                bounds=self._bounds or Bounds(),
            )

        return _looking_again(look)

    def last_arrival(self, endpoint: str, *, before: datetime) -> datetime | None:
        """Return when the last file was written before an instant; `None` where none was."""
        return _looking_again(lambda: self._last_arrival(endpoint, before))

    def fold(
        self, endpoint: str, before: datetime, *, task: Task = Task.BINARY, id_column: str | None = None
    ) -> FoldedLabels:
        """Fold what `record` wrote before an instant into one file a day of arrival.

        Raises:
            DataRefused: a day's file cannot be read; the other days are folded nevertheless.
        """
        from serinus.adapters.joins.database import Bounds
        from serinus.adapters.stored.label_folding import LabelFolding

        bounds = self._bounds or Bounds()
        return LabelFolding(self._objects, endpoint, bounds, task, id_column, at_once=self._at_once).fold(before)

    def check(self, name: str, body: bytes, *, task: Task = Task.BINARY, id_column: str | None = None) -> LabelsRead:
        """Return what a file says that is to be recorded.

        Raises:
            DataRefused: of which nothing would count; the message says what is wrong, and where.
        """
        from serinus.adapters.joins.database import Bounds
        from serinus.adapters.joins.join import check
        from serinus.adapters.joins.label_files import LabelFile

        _refuse_kind(name)
        file = LabelFile(f"{PurePosixPath(name).stem}{kind_of(name)}", body, datetime.now(UTC))
        read = check(file, task, id_column, self._bounds or Bounds())
        if read.refused:
            raise DataRefused(read.refused[0].reason)
        return read

    def record(self, endpoint: str, name: str, body: bytes) -> bool:
        """Keep a file under a name made of its content; return whether it is new, folded or not.

        Raises:
            DataRefused: the name tells no kind that labels come in.
        """
        _refuse_kind(name)
        key = f"{files_folder(endpoint)}{hashlib.sha256(body).hexdigest()}{kind_of(name)}"
        try:
            self._objects.size(known_key(endpoint, key))
        except ObjectNotFound:
            pass
        else:
            return False
        try:
            self._objects.create(key, body)
        except AlreadyExists:
            return False
        return True

    def _sources(self, endpoint: str, since: datetime | None, before: datetime | None) -> LabelSources:
        from serinus.adapters.joins.join import LabelSources

        files = [(key, at) for key, at in self._listed(endpoint, before) if since is None or at >= since]
        days = [day.key for day in self._days(endpoint) if since is None or day.day >= day_of(since)]
        return LabelSources(files, days, before)

    def _last_arrival(self, endpoint: str, before: datetime) -> datetime | None:
        last = max((at for _, at in self._listed(endpoint, before)), default=None)
        days = [day for day in self._days(endpoint) if day.day <= day_of(before)]
        for day in reversed(days):
            if last is not None and day_of(last) > day.day:
                break
            found = [at for at in self._arrivals(day.key) if at < before]
            if found:
                return max(found) if last is None else max(last, *found)
        return last

    def _arrivals(self, day: str) -> Iterator[datetime]:
        """Yield when the label files were written that a day's file holds."""
        from serinus.adapters.joins.database import Bounds, database
        from serinus.adapters.joins.label_days import day_lent, files_of, instant_of

        body = self._objects.get(day)
        with database(self._bounds or Bounds()) as opened, day_lent(opened, day, body) as path:
            for file in files_of(opened, path):
                yield instant_of(file.written)

    def _days(self, endpoint: str) -> Sequence[DayKey]:
        return latest(day_keys(self._objects.list(days_folder(endpoint))))

    def _listed(self, endpoint: str, before: datetime | None) -> list[tuple[str, datetime]]:
        found = self._objects.modified(files_folder(endpoint))
        return [(key, at) for key, at in found if key.endswith(KINDS) and (before is None or at < before)]


def _looking_again(look: Callable[[], Found]) -> Found:
    for _ in range(_LOOKS - 1):
        try:
            return look()
        except ObjectNotFound:
            continue  # folded in the meantime
    return look()


def _refuse_kind(name: str) -> None:
    if kind_of(name) not in KINDS:
        raise DataRefused(f"{name} is of no kind that labels come in: name it .csv, .jsonl or .parquet")
