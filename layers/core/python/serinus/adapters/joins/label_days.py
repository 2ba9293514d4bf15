"""What a day's label files said, in one Parquet file: its labels, and in its metadata which files they are from.

A row is a label: `row_id`, or `id` and `row`, what it is about; `label` as it was written; `instant` in microseconds
of the epoch, never later than its file; `corrected` where a label of the same prediction that was left out said
something else; `file`, the place of its file in the metadata's list.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from serinus.adapters.joins.database import Database, is_no_fault_of_a_file, literal
from serinus.errors import DataRefused

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


@contextmanager
def day_lent(database: Database, name: str, body: bytes) -> Iterator[str]:
    """Lend a day's file to the database, as `Database.lent` does.

    Raises:
        DataRefused: what is read of it in the block cannot be: nothing may be told of labels without those it holds.
    """
    try:
        with database.lent("day.parquet", body) as path:
            yield path
    except (duckdb.Error, KeyError, TypeError, ValueError) as error:
        if is_no_fault_of_a_file(error):
            raise
        raise DataRefused(
            f"{name} is damaged, or of a format that this version does not read: deploy the version that wrote it, "
            "or put the object back as it was"
        ) from error


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
