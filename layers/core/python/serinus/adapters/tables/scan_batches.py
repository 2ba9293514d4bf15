"""A data file as batches of rows in bounded memory, whatever its kind. Messages never repeat what a cell holds."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json

from serinus.adapters.tables import text
from serinus.adapters.tables.parquet_batches import parquet_batches
from serinus.adapters.tables.refusals import empty, of_no_kind, refuse_headers
from serinus.errors import DataRefused

_BATCH_ROWS = 65_536
_BLOCK_BYTES = 8 * 1024**2
_MOST_WHOLE_BYTES = 1_000_000_000
_RAGGED = re.compile(r"Expected (\d+) columns, got (\d+)")


class TypesChanged(Exception):
    """A text file's later rows do not hold what its first block does; `args[0]` rows were read."""


def batches_of(name: str, path: Path, *, bounded: bool) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows; texts of a Parquet file come as dictionaries.

    Args:
        name: tells its kind.
        path: where it lies.
        bounded: whether a file is refused that claims more than a function can go through; kilobytes of Parquet can.

    Raises:
        DataRefused: it is of no kind that is read, is cut off or damaged; the message says after which row.
        TypesChanged: a text file has to be read as a `whole`.
    """
    readers: dict[str, Callable[[str, Path], Iterator[pa.RecordBatch]]] = {
        ".parquet": partial(_parquet, bounded=bounded),
        ".csv": _csv,
        ".jsonl": _json_lines,
    }
    reader = readers.get(Path(name).suffix.lower())
    if reader is None:
        raise of_no_kind(name)
    if path.stat().st_size == 0:
        raise empty(name)
    return reader(name, path)


def _parquet(name: str, path: Path, *, bounded: bool) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as file:
        yield from parquet_batches(name, file, batch_rows=_BATCH_ROWS, threads=True, bounded=bounded)


def _csv(name: str, path: Path) -> Iterator[pa.RecordBatch]:
    """Yield rows, typed by the first block; what is no number but a date stays as it was written."""
    rows = 0
    try:
        with _opened_csv(path, {}) as first:
            schema = first.schema
        refuse_headers(name, list(schema.names))
        temporal = [field.name for field in schema if pa.types.is_temporal(field.type)]
        texts: dict[str, pa.DataType] = dict.fromkeys(temporal, pa.string())
        with _opened_csv(path, texts) as reader:
            for batch in reader:
                rows += batch.num_rows
                yield batch
    except pa.ArrowInvalid as error:
        ragged = _RAGGED.search(str(error))
        if ragged is None:
            raise TypesChanged(rows) from error
        raise DataRefused(
            f"{name} has a row of {ragged[2]} cells{_at_row(path, int(ragged[1]), rows)}, but the header has "
            f"{ragged[1]}: quote cells that hold commas, leave missing ones blank, and write it again if cut off"
        ) from error


def _at_row(path: Path, cells: int, before: int) -> str:
    """Say which row is the first of another number of cells: Arrow, which reads in threads, does not."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = filter(None, csv.reader(file))
            at = next((number for number, row in enumerate(rows) if len(row) != cells), 0)
    except csv.Error:
        at = 0
    return f" at row {at}" if at else f" after row {before}"


def _opened_csv(path: Path, types: dict[str, pa.DataType]) -> arrow_csv.CSVStreamingReader:
    return arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(null_values=[""], strings_can_be_null=True, column_types=types),
    )


def _json_lines(name: str, path: Path) -> Iterator[pa.RecordBatch]:
    rows = 0
    try:
        with arrow_json.open_json(path, read_options=arrow_json.ReadOptions(block_size=_BLOCK_BYTES)) as reader:
            refuse_headers(name, list(reader.schema.names))
            if any(pa.types.is_temporal(field.type) for field in reader.schema):
                raise TypesChanged(0)
            for batch in reader:
                rows += batch.num_rows
                yield batch
    except pa.ArrowInvalid as error:
        raise TypesChanged(rows) from error


def whole(name: str, path: Path, after: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a text file whose types only the whole of it tells, which takes reading it into memory.

    Raises:
        DataRefused: it cannot be read so either, or is too large for it.
    """
    if path.stat().st_size > _MOST_WHOLE_BYTES:
        raise DataRefused(
            f"{name} cannot be read beyond row {after}: a row is damaged, or a column changes from numbers to texts, "
            "and the file is too large to be read as a whole; write it as Parquet"
        )
    reader = text.read_csv if Path(name).suffix.lower() == ".csv" else text.read_json_lines
    yield from reader(name, path.read_bytes()).to_batches(_BATCH_ROWS)
