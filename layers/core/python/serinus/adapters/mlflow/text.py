"""Reads CSV: the first line names the columns."""

from __future__ import annotations

import csv
import io
from typing import Any

from serinus.adapters.mlflow.rows import Rows
from serinus.errors import RequestRefused

_WIDEST = 100_000  # columns


def from_csv(body: str | bytes) -> Rows:
    """Return the columns of a CSV file; every value is a text, and an empty one is missing.

    Raises:
        RequestRefused: it is not UTF-8, has no rows, names a column twice, or has a row of another width.
    """
    try:
        packed = body.encode(errors="surrogatepass") if isinstance(body, str) else body
        text = packed.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestRefused(f"the body is not UTF-8 (byte {error.start}): send CSV in UTF-8") from error
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise RequestRefused(f"the body is no CSV ({error}): correct it") from error
    if len(lines) < 2:
        raise RequestRefused("the body has no rows: send a line of column names, and then a line for each row")
    names, rows = lines[0], lines[1:]
    if len(names) > _WIDEST or len(set(names)) != len(names):
        raise RequestRefused("the first line names a column twice, or too many: send each column once")
    for row, values in enumerate(rows):
        if len(values) != len(names):
            raise RequestRefused(
                f"row {row} has {len(values)} values, but there are {len(names)} columns: correct it"
            )
    return Rows({name: _column(rows, at) for at, name in enumerate(names)}, len(rows))


def _column(rows: list[list[str]], at: int) -> list[Any]:
    return [values[at] or None for values in rows]
