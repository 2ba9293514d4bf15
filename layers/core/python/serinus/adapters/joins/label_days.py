"""What a day's label files said, in one Parquet file: its labels, and in its metadata which files they are from.

A row is a label: `row_id`, or `id` and `row`, what it is about; `label` as it was written; `instant` in microseconds
of the epoch, never later than its file; `corrected` where a label of the same prediction that was left out said
something else; `file`, the place of its file in the metadata's list.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from serinus.adapters.joins.database import Database, literal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FILES = "serinus.files"


@dataclass(frozen=True)
class SaidFile:
    """A label file that was read.

    Attributes:
        name: its key.
        written: when, in microseconds of the epoch.
        id_column: what the policy called the column that names a row, when the file was read.
        rows: how many it holds.
        ahead: how many of them carry a time after it was written.
        conflicting: of how many predictions it says two things at one time.
        conflicts: numbers of some of the rows that do.
    """

    name: str
    written: int
    id_column: str | None = None
    rows: int = 0
    ahead: int = 0
    conflicting: int = 0
    conflicts: tuple[int, ...] = ()


def microseconds(instant: datetime) -> int:
    """Return an instant as files of a day hold it.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> datetime:
    """Return what `microseconds` was given."""
    return _EPOCH + microseconds * _MICROSECOND


def files_of(database: Database, path: str) -> tuple[SaidFile, ...]:
    """Return which files a day's file is made of."""
    (told,) = database.connection.execute(
        f"SELECT decode(value) FROM parquet_kv_metadata({path}) WHERE decode(key) = {literal(_FILES)}"
    ).fetchall()
    return tuple(SaidFile(**{**each, "conflicts": tuple(each["conflicts"])}) for each in json.loads(told[0]))


def metadata_of(files: Sequence[SaidFile]) -> str:
    """Return the metadata of a day's file, as `COPY` takes it."""
    told = json.dumps([dataclasses.asdict(file) for file in files], separators=(",", ":"))
    return f"{{{literal(_FILES)}: {literal(told)}}}"
