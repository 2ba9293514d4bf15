"""Prediction records, one row a scored row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from serinus.adapters.stored.minutes import bodies
from serinus.adapters.stored.parquet import from_parquet, to_parquet
from serinus.domain.table import Column, Table, concatenated
from serinus.use_cases.ports.storage import Objects

_TEXT = ("_request", "_id", "_row_id")
_NUMBERS = ("_row", "_at", "_inputs", "_score", "_latency_ms")


class StoredRecords:
    """`Records` over objects: records/<endpoint>/<release>/<minute>/<key>.parquet."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, endpoint: str, release: int, minute: str, key: str, rows: Table) -> None:
        """Store the rows of one part."""
        self._objects.put(f"{_folder(endpoint, release)}{minute}/{key}.parquet", to_parquet(rows))

    def read(self, endpoint: str, release: int, start: datetime, end: datetime) -> Table:
        """Return the rows asked about in [start, end), each once, in time order.

        Columns: `_request`, `_id`, `_row`, `_row_id`, `_at` (epoch seconds), `_inputs`, `_score`, `_latency_ms`, and
        every feature that any part has, missing where a part has not.
        """
        parts = [from_parquet(body) for body in bodies(self._objects, _folder(endpoint, release), start, end)]
        table = concatenated(_aligned([_nothing(), *parts]))
        at = np.asarray(table.columns["_at"], dtype=np.float64)
        inside = table.take(np.flatnonzero((at >= start.timestamp()) & (at < end.timestamp())))
        return _each_once(inside)


def _folder(endpoint: str, release: int) -> str:
    return f"records/{endpoint}/{release}/"


def _nothing() -> Table:
    text: dict[str, Column] = {name: np.empty(0, dtype=object) for name in _TEXT}
    return Table(text | {name: np.empty(0, dtype=np.float64) for name in _NUMBERS})


def _aligned(parts: Sequence[Table]) -> Sequence[Table]:
    """Give every part the same columns; a record whose inputs were not logged has none of the features."""
    text: dict[str, bool] = {}
    for part in parts:
        for name, column in part.columns.items():
            text[name] = text.get(name, False) or column.dtype == object
    return [Table({name: _column(part, name, as_text=is_text) for name, is_text in text.items()}) for part in parts]


def _column(part: Table, name: str, *, as_text: bool) -> Column:
    column = part.columns.get(name)
    if column is None:
        return np.full(part.rows, None, dtype=object) if as_text else np.full(part.rows, np.nan)
    if as_text and column.dtype != object:
        return np.array([None if value != value else str(value) for value in column.tolist()], dtype=object)
    return column


def _each_once(table: Table) -> Table:
    """Sort by time, request and row; copies of a row carry the same instant, so that they meet."""
    requests = np.asarray(table.columns["_request"], dtype=str)
    rows = np.asarray(table.columns["_row"], dtype=np.float64)
    order = np.lexsort((rows, requests, np.asarray(table.columns["_at"], dtype=np.float64)))
    requests, rows = requests[order], rows[order]
    again = (requests[1:] == requests[:-1]) & (rows[1:] == rows[:-1])
    return table.take(order[np.concatenate([np.ones(min(table.rows, 1), dtype=bool), ~again])])
