"""Parquet files in batches: a row group is never held whole, and texts stay in their dictionary."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.tables.refusals import refuse_headers
from serinus.domain.row_batch import Expected
from serinus.errors import DataRefused

_MAGIC = b"PAR1"
_ROWS = 32_768
_BUFFER_BYTES = 1 << 18  # of each column


def parquet_batches(name: str, file: BinaryIO, _expected: Expected) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file, which says itself what is text.

    Raises:
        DataRefused: it is none, is cut off, or damaged, where it is noticed.
    """
    _refuse_what_is_cut_off(name, file)
    rows = 0
    try:
        schema = pq.read_schema(file)
        refuse_headers(name, list(schema.names))
        file.seek(0)
        opened = pq.ParquetFile(
            file,
            read_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
        )
        for batch in opened.iter_batches(batch_size=_ROWS, use_threads=False):
            yield batch
            rows += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        where = f" after row {rows}" if rows else ""
        raise DataRefused(
            f"{name} is a damaged Parquet file{where} ({said}): write it and upload it again"
        ) from error


def _refuse_what_is_cut_off(name: str, file: BinaryIO) -> None:
    if file.read(4) != _MAGIC:
        raise DataRefused(f"{name} is no Parquet file (it does not begin with PAR1): rename it for what it is")
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 4, 0))
    if file.read(4) != _MAGIC:
        raise DataRefused(f"{name} is cut off after {size} bytes (it does not end with PAR1): upload it again")
    file.seek(0)
