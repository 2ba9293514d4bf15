"""Parquet files in batches: a row group is never held whole, and texts of few kinds stay in their dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.tables.refusals import refuse_headers, refuse_no_parquet, refuse_size
from serinus.errors import DataRefused

_BUFFER_BYTES = 1 << 18  # of each column
_SMALL_DICTIONARY_BYTES = 16_384  # compressed, with its page's header


def parquet_columns(name: str, file: BinaryIO) -> list[str]:
    """Return the names of a Parquet file's columns.

    Raises:
        DataRefused: it is none, is cut off or damaged, or a column has no name or another's.
    """
    refuse_no_parquet(name, file)
    try:
        with pq.ParquetFile(file) as looked_at:
            headers = list(looked_at.schema_arrow.names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(name) from error
    refuse_headers(name, headers)
    return headers


def parquet_batches(
    name: str,
    file: BinaryIO,
    *,
    batch_rows: int,
    threads: bool,
    bounded: bool,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file, which says itself what is text; no message repeats what a cell holds.

    Args:
        name: of the file, for messages.
        file: to read.
        batch_rows: how many rows come at once.
        threads: whether several columns are read at a time, which takes more memory.
        bounded: whether a file is refused that claims more than a function can hold.
        columns: which are read, in their order; `None` for all.

    Raises:
        DataRefused: it is none, is cut off, or damaged, where it is noticed.
    """
    refuse_no_parquet(name, file)
    rows = 0
    try:
        with pq.ParquetFile(file) as looked_at:
            schema, claimed = looked_at.schema_arrow, looked_at.metadata
        refuse_headers(name, list(schema.names))
        if bounded:
            refuse_size(name, claimed.num_rows, claimed.num_columns)
        texts = [at for at, field in enumerate(schema) if pa.types.is_string(field.type)]
        opened = pq.ParquetFile(
            file,
            read_dictionary=[schema.names[at] for at in texts if _few(claimed, at)],
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
        )
        some = None if columns is None or len(columns) == len(schema) else list(columns)
        for batch in opened.iter_batches(batch_size=batch_rows, use_threads=threads, columns=some):
            yield batch if some is None else batch.select(some)  # "a" brings a column "a.b" along
            rows += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(name, f" after row {rows}" if rows else "") from error


def _damaged(name: str, where: str = "") -> DataRefused:
    return DataRefused(f"{name} is a damaged Parquet file{where}: write it and upload it again")


def _few(claimed: pq.FileMetaData, at: int) -> bool:
    """Whether a column of texts has so few different ones that reading them as codes pays.

    Of many, every batch would come with all texts of its row group.
    """
    if claimed.num_columns <= at:
        return False
    chunks = [claimed.row_group(group).column(at) for group in range(claimed.num_row_groups)]
    return all(
        chunk.has_dictionary_page
        and chunk.data_page_offset - (chunk.dictionary_page_offset or 0) <= _SMALL_DICTIONARY_BYTES
        for chunk in chunks
    )
