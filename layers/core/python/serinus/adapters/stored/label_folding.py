"""Folds label files into a file a day, safe to die at any write and to run twice at once.

A day's file is a numbered generation, created and never replaced, of which only the last counts; each holds all that
the one before held. So of two folders at work on the same one, one fails and leaves off. What has been folded is
removed only when the generation that holds it is seen to be the last, and its name is written down before it goes: a
repetition that comes later is known by it, and has not the last word.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import PurePosixPath
from typing import TypeVar

from serinus.adapters.joins.database import Bounds, database
from serinus.adapters.joins.label_files import LabelFile
from serinus.adapters.joins.label_folding import folded
from serinus.adapters.joins.label_table import LabelTable
from serinus.adapters.stored.label_keys import (
    DayKey,
    day_key,
    day_keys,
    day_of,
    days_folder,
    files_folder,
    is_named_by_content,
    known_key,
    latest,
)
from serinus.domain.label_files import FoldedLabels
from serinus.domain.task import Task
from serinus.errors import AlreadyExists, DataRefused, ObjectNotFound
from serinus.use_cases.ports.storage import Objects

_AT_A_TIME = 2_000  # files: what a run has done is kept, though it should not live to the end
_BYTES_AT_A_TIME = 128 << 20  # of files, lest disk and memory end
_LARGE = 8 << 20  # bytes: such a file is as good as a day's
_FULL = 128 << 20  # bytes of a day's file: what comes on top stays as it came, lest memory end

Given = TypeVar("Given")
Found = TypeVar("Found")


class LabelFolding:
    """Folding of one endpoint's label files."""

    def __init__(
        self, objects: Objects, endpoint: str, bounds: Bounds, task: Task, id_column: str | None, *, at_once: int
    ) -> None:
        self._objects = objects
        self._endpoint = endpoint
        self._bounds = bounds
        self._task = task
        self._id_column = id_column
        self._at_once = at_once

    def fold(self, before: datetime) -> FoldedLabels:
        """Fold what was written before an instant, a day at a time.

        Raises:
            DataRefused: a day's file cannot be read; the other days are folded nevertheless.
        """
        files, days, unreadable = 0, set[str](), list[DataRefused]()
        sizes = self._objects.sizes(files_folder(self._endpoint))
        for day, closed in self._closed(before, sizes):
            for together in _in_turn(closed, sizes):
                try:
                    taken = self._fold_day(day, together)
                except (AlreadyExists, ObjectNotFound):
                    break  # somebody else is at it
                except DataRefused as refusal:
                    unreadable.append(refusal)
                    break
                files += taken
                days |= {day} if taken else set()
        if unreadable:
            raise unreadable[0]  # and of no day an older generation goes
        self._remove_superseded()
        return FoldedLabels(files, len(days))

    def _closed(
        self, before: datetime, sizes: Mapping[str, int]
    ) -> Sequence[tuple[str, Sequence[tuple[str, datetime]]]]:
        """Return the files of each day that are to be folded, in order of days."""
        by_day: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for key, at in self._objects.modified(files_folder(self._endpoint)):
            if at < before and is_named_by_content(self._endpoint, key) and sizes.get(key, 0) <= _LARGE:
                by_day[day_of(at)].append((key, at))
        return sorted(by_day.items())

    def _fold_day(self, day: str, closed: Sequence[tuple[str, datetime]]) -> int:
        """Write the day's next generation, unless the last holds all that it is to hold; remove what it holds."""
        generations = self._generations(day)
        last = max(generations, key=lambda key: key.generation, default=None)
        if last and self._objects.size(last.key) > _FULL:
            return 0
        with database(self._bounds) as opened:
            table = LabelTable(opened, self._task, self._id_column, as_written=True)
            if last:
                table.add_day(last.key, self._objects.get(last.key))
            held = {file.name for file in table.files}
            there = self._each(lambda file: file[0] in held or self._is_known(file[0]), closed)
            done = [key for (key, _), known in zip(closed, there, strict=True) if known]
            new = [file for file, known in zip(closed, there, strict=True) if not known]
            taken = self._add(table, new)
            body = folded(table) if taken else b""
        if not taken:
            self._remove(done)
            return 0
        created = day_key(self._endpoint, day, last.generation + 1 if last else 1)
        self._objects.create(created.key, body)
        if max(key.generation for key in self._generations(day)) == created.generation:
            self._remove([*taken, *done])
        return len(taken)

    def _add(self, table: LabelTable, files: Sequence[tuple[str, datetime]]) -> Sequence[str]:
        """Add files as far as they are fit to be folded; return which."""
        taken = []
        for start in range(0, len(files), self._at_once):
            chunk = files[start : start + self._at_once]
            bodies = self._each(self._objects.get, [key for key, _ in chunk])
            for (key, at), body in zip(chunk, bodies, strict=True):
                whole = hashlib.sha256(body).hexdigest() == PurePosixPath(key).stem
                if whole and table.add(LabelFile(key, body, at)):
                    taken.append(key)
        return taken

    def _is_known(self, key: str) -> bool:
        try:
            self._objects.size(known_key(self._endpoint, key))
        except ObjectNotFound:
            return False
        return True

    def _remove(self, files: Sequence[str]) -> None:
        """Write down the names of files, and only then remove them."""
        self._each(lambda key: self._objects.put(known_key(self._endpoint, key), b""), files)
        self._each(self._objects.delete, files)

    def _remove_superseded(self) -> None:
        """Remove what a later generation holds, also what a run left behind that died, or slept too long."""
        generations = self._generations()
        last = latest(generations)
        self._each(self._objects.delete, [key.key for key in generations if key not in last])

    def _generations(self, day: str = "") -> Sequence[DayKey]:
        within = f"{day}/" if day else ""
        return day_keys(self._objects.list(days_folder(self._endpoint) + within))

    def _each(self, act: Callable[[Given], Found], given: Sequence[Given]) -> list[Found]:
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(act, given))


def _in_turn(
    files: Sequence[tuple[str, datetime]], sizes: Mapping[str, int]
) -> Iterator[Sequence[tuple[str, datetime]]]:
    """Yield files in their order, as many together as one generation may take on."""
    together, taken = list[tuple[str, datetime]](), 0
    for file in files:
        size = sizes.get(file[0], 0)
        if together and (len(together) == _AT_A_TIME or taken + size > _BYTES_AT_A_TIME):
            yield together
            together, taken = [], 0
        together.append(file)
        taken += size
    if together:
        yield together
