"""Data files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from serinus.domain.data_scan import DataScan, Questions
from serinus.domain.row_batch import ANYTHING, Expected, RowBatch
from serinus.domain.table import Table


class Tables(Protocol):
    """Reads and writes data files; the kind is told by the file's name: .csv, .parquet or .jsonl."""

    def read(self, name: str, body: bytes) -> Table:
        """Return the file's columns.

        Raises:
            DataRefused: it is no such file, or is damaged.
        """

    def batches(self, name: str, file: BinaryIO, expected: Expected = ANYTHING) -> Iterator[RowBatch]:
        """Yield the file's rows, some ten thousand at a time, in bounded memory.

        Of a file of many columns, a batch may bring a few columns of its rows, if they need not come together.

        Args:
            name: of the file.
            file: which can seek.
            expected: columns that are known beforehand, which decide what the columns of a text file hold.

        Raises:
            DataRefused: it is no such file, or is damaged, as soon as that is noticed.
        """

    def write(self, table: Table) -> bytes:
        """Return the table as Parquet; the same table gives the same bytes."""


class Scanner(Protocol):
    """Looks through a data file once, in bounded memory; the kind is told by the file's name."""

    def scan(self, name: str, body: bytes, questions: Questions) -> DataScan:
        """Count what is asked.

        Raises:
            DataRefused: it is no such file, or is damaged.
        """
