"""What is refused of any data file, whatever its kind."""

from __future__ import annotations

from serinus.errors import DataRefused

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
