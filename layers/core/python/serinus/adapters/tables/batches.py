"""Data files in batches, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from serinus.adapters.tables.batch_columns import column_of
from serinus.adapters.tables.parquet_batches import parquet_batches, parquet_columns
from serinus.adapters.tables.refusals import empty, of_no_kind, refuse_headers
from serinus.adapters.tables.text_batches import csv_batches, json_batches
from serinus.domain.row_batch import Expected, RowBatch
from serinus.errors import DataRefused

_BATCH_ROWS = 32_768

_COLUMNS_AT_ONCE = 32  # of a Parquet file: of each that is read, a page and its dictionary are held

_Read = Callable[[str, BinaryIO, Expected], Iterator[pa.RecordBatch]]


def _parquet(name: str, file: BinaryIO, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """It says itself what is text."""
    return parquet_batches(name, file, batch_rows=_BATCH_ROWS, threads=False, bounded=False, columns=columns)


_READERS: dict[str, _Read] = {".csv": csv_batches, ".jsonl": json_batches}


def batches_of(name: str, file: BinaryIO, expected: Expected) -> Iterator[RowBatch]:
    """Yield the rows of a file, some ten thousand at a time; what `ports.Tables.batches` promises."""
    kind = PurePosixPath(name).suffix.lower()
    if kind not in {*_READERS, ".parquet"}:
        raise of_no_kind(name)
    if file.seek(0, os.SEEK_END) == 0:
        raise empty(name)
    file.seek(0)
    if kind in _READERS:
        yield from _rows(name, _READERS[kind](name, file, expected))
        return
    headers = parquet_columns(name, file)
    at_once = max(len(headers), 1) if expected.together else _COLUMNS_AT_ONCE
    for start in range(0, max(len(headers), 1), at_once):
        some = headers[start : start + at_once]
        elsewhere = frozenset(headers).difference(some)
        for batch in _rows(name, _parquet(name, file, some)):
            yield replace(batch, elsewhere=elsewhere, again=start > 0)


def _rows(name: str, batches: Iterator[pa.RecordBatch]) -> Iterator[RowBatch]:
    rows, headers = 0, None
    for batch in batches:
        if headers is None:
            headers = batch.schema.names
            refuse_headers(name, headers)
        columns = {header: column_of(name, header, batch.column(at)) for at, header in enumerate(headers)}
        if batch.num_rows:
            yield RowBatch(name, rows, batch.num_rows, columns)
        rows += batch.num_rows
    if not headers:
        raise DataRefused(f"{name} has no columns: upload it again, with a named column for each feature")
    if not rows:
        raise DataRefused(f"{name} has a header but no rows: upload it again, with at least one row")
