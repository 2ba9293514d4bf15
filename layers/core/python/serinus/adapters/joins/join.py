"""The one join of predictions with labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from serinus.adapters.joins.database import Bounds, Database, database, identifier
from serinus.adapters.joins.label_files import LabelFile
from serinus.adapters.joins.label_table import LabelTable
from serinus.adapters.joins.record_parts import KEYS, gather
from serinus.adapters.stored.minutes import fetched
from serinus.adapters.tables.columns import from_arrow
from serinus.domain.label_files import LABEL, Joined, LabelsRead
from serinus.domain.table import Table
from serinus.domain.task import Task
from serinus.use_cases.ports.storage import Objects

_DAYS_AT_ONCE = 3  # each of 128 MiB and more, and a function that joins may have 1,024
_OWN = (*KEYS, "_inputs", "_score", "_latency_ms")


@dataclass(frozen=True)
class LabelSources:
    """Where labels lie.

    Attributes:
        files: label files by their keys, and when they were written.
        days: the keys of what days' label files were folded into, which may hold some of `files` already.
        before: only label files that were written before this count.
    """

    files: Sequence[tuple[str, datetime]]
    days: Sequence[str] = ()
    before: datetime | None = None


def check(file: LabelFile, task: Task, id_column: str | None, bounds: Bounds) -> LabelsRead:
    """Return what one file of labels says."""
    with database(bounds) as opened:
        table = LabelTable(opened, task, id_column)
        table.add(file)
        return table.settled()


def join(
    sources: LabelSources,
    objects: Objects,
    parts: Mapping[int, Sequence[str]],
    start: datetime,
    end: datetime,
    *,
    columns: Sequence[str] | None,
    task: Task,
    id_column: str | None,
    bounds: Bounds,
) -> Joined:
    """Join the record parts of each release, by keys, with what label files say.

    Raises:
        ObjectNotFound: files went away while they were read.
        DataRefused: two features differ in the case of letters alone, or a day's file cannot be read.
    """
    with database(bounds) as opened:
        table = LabelTable(opened, task, id_column)
        _read(table, sources, objects)
        read = table.settled()
        by_release = {}
        for release, keys in parts.items():
            present = gather(opened, _served(release), objects, keys, start, end, columns)
            wanted = [name for name in (*KEYS, *present) if columns is None or name in columns]
            by_release[release] = _labelled(opened, _served(release), wanted, columns, task)
        return Joined(by_release, replace(read, unmet=_unmet(opened, [_served(release) for release in parts])))


def _read(table: LabelTable, sources: LabelSources, objects: Objects) -> None:
    days = fetched(objects, sources.days, at_most=_DAYS_AT_ONCE)
    for key, body in zip(sources.days, days, strict=True):
        table.add_day(key, body, before=sources.before)
    held = {file.name for file in table.files}
    alone = [(key, at) for key, at in sources.files if key not in held]
    for (key, at), body in zip(alone, fetched(objects, [key for key, _ in alone]), strict=True):
        table.add(LabelFile(key, body, at))


def _served(release: int) -> str:
    return f"served_{release}"


def _labelled(
    opened: Database, served: str, present: Sequence[str], columns: Sequence[str] | None, task: Task
) -> Table:
    """Join the records of a release: a row's own label is nearer than the one that its request has for it."""
    selected = "".join(f"served.{identifier(name)}, " for name in present)
    found = opened.connection.execute(
        f"SELECT {selected}coalesce(own.label, theirs.label) AS {LABEL} FROM {served} AS served "
        "LEFT JOIN row_labels AS own ON own.id = served._row_id "
        "LEFT JOIN request_labels AS theirs ON theirs.id = served._id AND theirs.row = served._row "
        "ORDER BY served._at, served._request, served._row"
    ).to_arrow_table()
    table = {name: from_arrow("prediction records", found, name) for name in found.column_names}
    missing = [name for name in _OWN if (columns is None or name in columns) and name not in table]
    truth = table[LABEL].astype(object if task is Task.MULTICLASS else np.float64)
    return Table({**{name: np.full(found.num_rows, np.nan) for name in missing}, **table, LABEL: truth})


def _unmet(opened: Database, served: Sequence[str]) -> int:
    """Count the labels of no prediction of the window."""
    by_request = "".join(
        f" ANTI JOIN {each} AS {each} ON {each}._id = said.id AND {each}._row = said.row" for each in served
    )
    by_row = "".join(f" ANTI JOIN {each} AS {each} ON {each}._row_id = said.id" for each in served)
    (of_requests,) = opened.numbers(f"SELECT count(*) FROM request_labels AS said{by_request}")
    (of_rows,) = opened.numbers(f"SELECT count(*) FROM row_labels AS said{by_row}")
    return of_requests + of_rows
