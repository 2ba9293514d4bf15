"""What is refused of any data file, whatever its kind."""

from __future__ import annotations

import os
from typing import BinaryIO

from serinus.errors import DataRefused

_MAGIC = b"PAR1"  # how a Parquet file begins and ends
_MAXIMUM_CELLS = 250_000_000  # 2 GB as float64; a Parquet file of kilobytes can claim more


def refuse_headers(name: str, headers: list[str]) -> None:
    """Refuse columns that cannot be told apart.

    Raises:
        DataRefused: a name is empty, or comes twice.
    """
    seen: set[str] = set()
    for position, header in enumerate(headers, start=1):
        if not header.strip():
            raise DataRefused(f"{name}: column {position} of {len(headers)} has no name: give it one, or drop it")
        if header in seen:
            raise DataRefused(f"{name}: column {header!r} comes twice in the header: rename or drop one of the two")
        seen.add(header)


def refuse_size(name: str, rows: int, width: int) -> None:
    """Refuse a file that would not fit into memory, before it is read.

    Raises:
        DataRefused: it claims more cells than a function can hold.
    """
    if rows * width > _MAXIMUM_CELLS:
        raise DataRefused(
            f"{name} claims {rows} rows of {width} columns, above {_MAXIMUM_CELLS:,} cells: upload a sample of it"
        )


def of_no_kind(name: str) -> DataRefused:
    """Return the refusal of a file whose name tells no kind that is read."""
    return DataRefused(f"{name} is of no kind that Serinus reads: name it .csv, .jsonl or .parquet")


def empty(name: str) -> DataRefused:
    """Return the refusal of a file of no bytes, or of none but blanks."""
    return DataRefused(f"{name} is empty: upload it again, with a header and at least one row")


def refuse_no_parquet(name: str, file: BinaryIO) -> None:
    """Refuse what does not begin and end as a Parquet file; leave the file at its beginning.

    Raises:
        DataRefused: it is none, or is cut off.
    """
    file.seek(0)
    if file.read(4) != _MAGIC:
        raise DataRefused(f"{name} is no Parquet file (it does not begin with PAR1): rename it for what it is")
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 4, 0))
    if file.read(4) != _MAGIC:
        raise DataRefused(f"{name} is cut off after {size} bytes (it does not end with PAR1): upload it again")
    file.seek(0)
