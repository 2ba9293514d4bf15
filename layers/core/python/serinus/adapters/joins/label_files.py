"""Reads a label file into a table of what it says, whole or not at all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

import duckdb

from serinus.adapters.joins.database import Database, identifier, is_no_fault_of_a_file, literal
from serinus.adapters.joins.label_days import microseconds
from serinus.domain.task import GREATEST_NUMBER, Task
from serinus.errors import DataRefused

_MAGIC = b"PAR1"
_MOST_ROWS = 1 << 30  # a Parquet file of kilobytes can claim more
_MOST_COLUMNS = 2_000
_COUNTED_ON = "Invalid Input Error: Malformed JSON"  # by then DuckDB is at the line after
_LONGEST = 1_024
_LINE = re.compile(r"\bline:? (\d+)", re.IGNORECASE)
_CELLS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_WHOLE_NUMBERS = r"^(-?\d+)\.0+$"

VALUES = {
    Task.BINARY: "CASE lower(label) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE try_cast(label AS DOUBLE) END",
    Task.REGRESSION: "try_cast(label AS DOUBLE)",
    Task.MULTICLASS: f"regexp_replace(label, '{_WHOLE_NUMBERS}', '\\1')",
}
FITS = {
    Task.BINARY: "coalesce(value IN (0, 1), false)",
    Task.REGRESSION: f"coalesce(abs(value) <= {GREATEST_NUMBER!r}, false)",
    Task.MULTICLASS: f"length(value) <= {_LONGEST}",
}
_MUST_BE = {
    Task.BINARY: "must be 0 or 1",
    Task.REGRESSION: "must be a number that FP32 holds",
    Task.MULTICLASS: f"must be a text of {_LONGEST} letters at most",
}


@dataclass(frozen=True)
class LabelFile:
    """A file of labels as it is stored."""

    name: str
    body: bytes
    written_at: datetime


class Staging:
    """Brings one file at a time into the table `said`, checked."""

    def __init__(self, database: Database, task: Task, id_column: str | None) -> None:
        self._database = database
        self._task = task
        self._id_column = id_column

    def stage(self, file: LabelFile) -> None:
        """Make the table `said` of what a file says.

        Raises:
            DataRefused: a row says something else than it must; the message says which, and nothing of what it holds.
        """
        if not file.body or file.body.isspace():
            raise DataRefused(f"{file.name} is empty: upload it again, with at least one label")
        kind = PurePosixPath(file.name).suffix
        try:
            with self._database.lent(f"labels{kind}", file.body) as path:
                source, present = self._source(file, kind, path)
                self._refuse_what_lacks_a_column(file.name, present)
                self._stage(source, present, file.written_at)
        except duckdb.Error as error:  # what a damaged Parquet file raises is of any kind
            if is_no_fault_of_a_file(error):
                error.add_note(f"while reading {file.name}")
                raise
            raise DataRefused(_damage(file.name, kind, str(error))) from error
        self._refuse_what_says_nothing(file.name)

    def _source(self, file: LabelFile, kind: str, path: str) -> tuple[str, Sequence[str]]:
        """Return what to select from, every column a text, and the columns that there are."""
        if kind == ".csv":
            names = _headers(file)
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
            return (
                f'SELECT row_number() OVER () AS " position", * FROM read_csv({path}, auto_detect = false, '
                f"header = true, columns = {{{columns}}}, delim = ',', quote = '\"', escape = '\"', nullstr = '')"
            ), names
        wanted = ("id", "row", "label", "time", *([self._id_column] if self._id_column else ()))
        if kind == ".jsonl":
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dict.fromkeys(wanted))
            return (
                f'SELECT row_number() OVER () AS " position", * FROM read_json({path}, '
                f"format = 'newline_delimited', columns = {{{columns}}})"
            ), wanted
        return self._parquet(file, path, wanted)

    def _parquet(self, file: LabelFile, path: str, wanted: Sequence[str]) -> tuple[str, Sequence[str]]:
        if file.body[:4] != _MAGIC or file.body[-4:] != _MAGIC:
            at_fault = "begin" if file.body[:4] != _MAGIC else "end"
            raise DataRefused(
                f"{file.name} is no whole Parquet file (it does not {at_fault} with PAR1): write it and upload it "
                "again"
            )
        (rows,) = self._database.numbers(f"SELECT sum(num_rows) FROM parquet_file_metadata({path})")
        if rows > _MOST_ROWS:
            raise DataRefused(f"{file.name} claims {rows:,} rows, above {_MOST_ROWS:,}: upload it in parts")
        described = self._database.connection.execute(f"DESCRIBE SELECT * FROM read_parquet({path})").fetchall()
        types = {str(name): str(kind) for name, kind, *_ in described if name in wanted}
        columns = ", ".join(_as_text(file.name, name, kind) for name, kind in types.items())
        if not columns:
            return "", ()
        source = (
            f'SELECT file_row_number + 1 AS " position", {columns} FROM read_parquet({path}, file_row_number = true)'
        )
        return source, tuple(types)

    def _refuse_what_lacks_a_column(self, name: str, present: Sequence[str]) -> None:
        has_id = "id" in present or (self._id_column is not None and self._id_column in present)
        if "label" not in present or not has_id:
            absent = self._id_column or "id" if not has_id else "label"
            wanted = f"{self._id_column} or id" if self._id_column else "id"
            raise DataRefused(f"{name} has no column {absent!r}: labels need the columns {wanted} and label")

    def _stage(self, source: str, present: Sequence[str], written_at: datetime) -> None:
        def text(name: str | None) -> str:
            return identifier(name) if name is not None and name in present else "NULL::VARCHAR"

        written = microseconds(written_at)
        self._database.connection.execute(
            "CREATE OR REPLACE TABLE said AS "
            f'WITH texts AS (SELECT " position" AS position, {text(self._id_column)} AS row_id, {text("id")} AS id, '
            f"{text('row')} AS number, {text('label')} AS label, {text('time')} AS time FROM ({source})) "
            f"SELECT position, row_id, id, number, try_cast(try_cast(number AS DOUBLE) AS BIGINT) AS row, "
            f"label, label IS NULL AS unsaid, {VALUES[self._task]} AS value, time, {written} AS written, "
            "CASE WHEN time IS NULL THEN written WHEN isfinite(try_cast(time AS TIMESTAMPTZ)) "
            "THEN epoch_us(try_cast(time AS TIMESTAMPTZ)) END AS instant FROM texts"
        )

    def _refuse_what_says_nothing(self, name: str) -> None:
        """Name the first row that is at fault, and how; never what it holds."""
        faults = (
            ("row_id IS NULL AND id IS NULL", "the id is missing"),
            ("row_id IS NULL AND number IS NULL AND (SELECT count(number) > 0 FROM said)", "row is missing"),
            (
                "row_id IS NULL AND number IS NOT NULL "
                "AND NOT coalesce(row >= 0 AND row = try_cast(number AS DOUBLE), false)",
                "row must be a whole number from 0",
            ),
            ("unsaid", "label is missing"),
            (f"NOT {FITS[self._task]}", f"the label {_MUST_BE[self._task]}"),
            ("instant IS NULL", "time must be an instant in ISO 8601"),
        )
        cases = " ".join(f"WHEN {condition} THEN {number}" for number, (condition, _) in enumerate(faults))
        row = self._database.connection.execute(
            f"SELECT position, fault FROM (SELECT position, CASE {cases} END AS fault FROM said) "
            "WHERE fault IS NOT NULL ORDER BY position LIMIT 1"
        ).fetchone()
        if row is not None:
            raise DataRefused(f"{name}, row {row[0]}: {faults[row[1]][1]}; correct it and upload the file again")
        if self._database.numbers("SELECT count(*) FROM said") == (0,):
            raise DataRefused(f"{name} holds no labels: upload it again, with at least one")


def _headers(file: LabelFile) -> list[str]:
    """Return a CSV file's columns.

    Raises:
        DataRefused: it is no UTF-8, a column has no name, or two have the same.
    """
    try:
        text = file.body[: 1 << 20].decode("utf-8-sig", errors="strict" if len(file.body) <= 1 << 20 else "ignore")
        names = next(filter(None, csv.reader(io.StringIO(text, newline=""))), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataRefused(f"{file.name} is no CSV file in UTF-8: save it as one") from error
    if len(names) > _MOST_COLUMNS:
        raise DataRefused(f"{file.name} has {len(names):,} columns: send those alone that tell labels")
    if any(not name.strip() for name in names) or len({name.lower() for name in names}) < len(names):
        raise DataRefused(f"{file.name} has a column without a name, or two of the same name: rename or drop one")
    return names


def _as_text(file: str, name: str, kind: str) -> str:
    """Return a column of a Parquet file as text; whole numbers are spelled without a point."""
    column = identifier(name)
    if kind in {"FLOAT", "DOUBLE"} or kind.startswith("DECIMAL"):
        number = f"{column}::DOUBLE"
        return (
            f"CASE WHEN {number} = floor({number}) AND abs({number}) < 9007199254740992 "
            f"THEN {number}::BIGINT::VARCHAR WHEN isnan({number}) THEN NULL ELSE {number}::VARCHAR END AS {column}"
        )
    if kind == "BLOB" or kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        raise DataRefused(f"{file}: the column {name!r} holds {kind}: labels take numbers, texts and instants")
    return f"{column}::VARCHAR AS {column}"


def _damage(name: str, kind: str, said: str) -> str:
    """Say where a file is damaged, and nothing of what is in it."""
    line = _LINE.search(said)
    number = int(line[1]) - said.startswith(_COUNTED_ON) if line else 0
    where = f"{name}, line {number}," if line else name
    cells = _CELLS.search(said)
    if cells:
        return f"{where} has {cells[2]} cells, but the header has {cells[1]}: write it and upload it again"
    what = {".csv": "is no CSV", ".jsonl": "is no JSON object"}.get(kind, "is damaged")
    return f"{where} {what}, or the file is cut off: write it and upload it again"
