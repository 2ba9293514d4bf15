"""Reads and writes data files with Arrow, never with pandas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from serinus.adapters.tables.refusals import empty, of_no_kind
from serinus.domain.row_batch import ANYTHING, Expected, RowBatch
from serinus.domain.table import Table
from serinus.errors import DataRefused

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowTables:
    """`Tables` by Arrow: CSV, JSON Lines and Parquet in, Parquet out."""

    def read(self, name: str, body: bytes) -> Table:
        """Return the file's columns.

        Numbers become float64 with NaN for a missing value, `true` and `false` 1 and 0, texts `str` with `None` for
        a missing value. Dates and times of a Parquet file become ISO texts; those of a text file stay as written.

        Raises:
            DataRefused: it is no such file, or is damaged; the message says what, where, and what to do.
        """
        from serinus.adapters.tables import columns, parquet, text

        readers = {".csv": text.read_csv, ".jsonl": text.read_json_lines, ".parquet": parquet.read}
        reader = readers.get(PurePosixPath(name).suffix.lower())
        if reader is None:
            raise of_no_kind(name)
        if not body or body.isspace():
            raise empty(name)
        found = reader(name, body)
        _refuse_what_is_no_table(name, found)
        return Table({header: columns.from_arrow(name, found, header) for header in found.column_names})

    def batches(self, name: str, file: BinaryIO, expected: Expected = ANYTHING) -> Iterator[RowBatch]:
        """Yield the file's rows, some ten thousand at a time, so that memory does not grow with the file.

        A Parquet file of many columns comes a few columns at a time, if they need not come together.
        Values are those of `read`, but that NaN is told from missing, numbers of 32 bits stay so, and a column's type
        in a text file is told by its first megabytes.

        Raises:
            DataRefused: it is no such file, or is damaged, as soon as that is noticed.
        """
        from serinus.adapters.tables.batches import batches_of

        return batches_of(name, file, expected)

    def write(self, table: Table) -> bytes:
        """Return the table as Parquet; the same table gives the same bytes."""
        from serinus.adapters.tables import parquet

        return parquet.write(table)


def _refuse_what_is_no_table(name: str, found: pa.Table) -> None:
    if not found.column_names:
        raise DataRefused(f"{name} has no columns: upload it again, with a named column for each feature")
    if found.num_rows == 0:
        raise DataRefused(f"{name} has a header but no rows: upload it again, with at least one row")
