"""Tables as Parquet. pyarrow is imported when it is first needed: it costs a Lambda start a tenth of a second."""

from __future__ import annotations

import io

import numpy as np

from serinus.domain.table import Column, Table


def to_parquet(table: Table) -> bytes:
    """Return the table as a Parquet file; the same table gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        name: pa.array(column, type=pa.string() if column.dtype == object else pa.float64())
        for name, column in table.columns.items()
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def from_parquet(body: bytes) -> Table:
    """Return the table that `to_parquet` wrote: text as objects, everything else as float64."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    read = pq.ParquetFile(io.BytesIO(body)).read()
    columns: dict[str, Column] = {}
    for name in read.column_names:
        column = read.column(name)
        if pa.types.is_string(column.type):
            columns[name] = np.array(column.to_pylist(), dtype=object)
        else:
            columns[name] = np.asarray(column.to_numpy(), dtype=np.float64)
    return Table(columns)
