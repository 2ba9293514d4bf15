"""Parquet files."""

from __future__ import annotations

import io

import pyarrow as pa
from pyarrow import parquet as pq

from serinus.adapters.tables.columns import to_arrow
from serinus.adapters.tables.refusals import refuse_headers, refuse_no_parquet, refuse_size
from serinus.domain.table import Table
from serinus.errors import DataRefused


def read(name: str, body: bytes) -> pa.Table:
    """Return the columns of a Parquet file.

    Raises:
        DataRefused: it is none, is cut off or damaged, or claims more than fits into memory.
    """
    refuse_no_parquet(name, io.BytesIO(body))
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        refuse_headers(name, list(file.schema_arrow.names))
        refuse_size(name, file.metadata.num_rows, file.metadata.num_columns)
        return file.read(use_threads=False)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise DataRefused(f"{name} is a damaged Parquet file ({said}): write it and upload it again") from error


def write(table: Table) -> bytes:
    """Return a table as Parquet; the same table gives the same bytes."""
    found = pa.table({name: to_arrow(values) for name, values in table.columns.items()})
    sink = pa.BufferOutputStream()
    pq.write_table(found, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
