"""The truth, as it arrives in files."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from serinus.domain.table import Column, Table
from serinus.errors import DataRefused
from serinus.use_cases.ports import Objects, Tables

_KINDS = (".csv", ".parquet", ".jsonl")
_BY_ROW_ID = -1  # stands for no row number: the id names the row


class StoredLabels:
    """`Labels` over objects: labels/<endpoint>/<any name>.{csv,parquet,jsonl}."""

    def __init__(self, objects: Objects, tables: Tables) -> None:
        self._objects = objects
        self._tables = tables

    def read(self, endpoint: str, id_column: str | None = None, *, before: datetime | None = None) -> Table:
        """Return columns `id`, `row` and `label` (0 or 1), sorted by id and row.

        The file uploaded last wins where an (id, row) comes twice; in one file, the later row. A file without the
        column `row` labels row 0 of each request. A file that has the policy's id column labels rows by that; their
        `row` is missing.

        Raises:
            DataRefused: a file is damaged, or does not say what it must; the message names it.
        """
        labels: dict[tuple[str, int], float] = {}
        for key, _ in self._files(endpoint, before):
            labels |= _labels(key, self._tables.read(key, self._objects.get(key)), id_column)
        pairs = sorted(labels)
        return Table(
            {
                "id": np.array([request for request, _ in pairs], dtype=object),
                "row": np.array([np.nan if row == _BY_ROW_ID else row for _, row in pairs], dtype=np.float64),
                "label": np.array([labels[pair] for pair in pairs], dtype=np.float64),
            }
        )

    def last_arrival(self, endpoint: str, *, before: datetime) -> datetime | None:
        """Return when the last file was uploaded before an instant; `None` where none was."""
        return max((uploaded_at for _, uploaded_at in self._files(endpoint, before)), default=None)

    def _files(self, endpoint: str, before: datetime | None) -> list[tuple[str, datetime]]:
        found = self._objects.modified(f"labels/{endpoint}/")
        return [(key, at) for key, at in found if key.endswith(_KINDS) and (before is None or at < before)]


def _labels(key: str, table: Table, id_column: str | None) -> dict[tuple[str, int], float]:
    by_row_id = id_column is not None and id_column in table.columns
    named = id_column if id_column is not None and by_row_id else "id"
    absent = [name for name in (named, "label") if name not in table.columns]
    if absent:
        wanted = f"{id_column} or id" if id_column else "id"
        raise DataRefused(f"{key} has no column {absent[0]!r}: labels need the columns {wanted} and label")
    ids = _ids(key, table.columns[named])
    rows = _rows(key, table, by_row_id=by_row_id)
    values = _numbers(key, "label", table.columns["label"])
    for position, value in enumerate(values):
        if value not in {0.0, 1.0}:
            raise DataRefused(f"{key}, row {position + 1}: the label is {value}, but must be 0 or 1")
    return dict(zip(zip(ids, rows, strict=True), values, strict=True))


def _rows(key: str, table: Table, *, by_row_id: bool) -> list[int]:
    if by_row_id or "row" not in table.columns:
        return [_BY_ROW_ID if by_row_id else 0] * table.rows
    return [int(row) for row in _numbers(key, "row", table.columns["row"])]


def _ids(key: str, column: Column) -> list[str]:
    """Return ids as text; a CSV reader takes ids of digits alone for numbers."""
    ids: list[str] = []
    for position, value in enumerate(column.tolist()):
        if value is None or value != value:
            raise DataRefused(f"{key}, row {position + 1}: the id is missing")
        ids.append(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    return ids


def _numbers(key: str, name: str, column: Column) -> list[float]:
    if column.dtype == object:
        raise DataRefused(f"{key}: the column {name!r} holds text, but must hold numbers")
    missing = np.flatnonzero(~np.isfinite(np.asarray(column, dtype=np.float64)))
    if missing.size:
        raise DataRefused(f"{key}, row {missing[0] + 1}: {name} is missing")
    numbers: list[float] = column.tolist()
    return numbers
