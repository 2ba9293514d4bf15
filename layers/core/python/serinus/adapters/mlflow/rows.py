"""The shapes in which scoring payloads write rows, each read as columns by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serinus.errors import RequestRefused

MOST_CELLS = 3_000_000  # what 6 MB of JSON can write out; rows of missing values claim more with fewer bytes


@dataclass(frozen=True)
class Rows:
    """Columns by name, all of `count` values."""

    columns: Mapping[str, list[Any]]
    count: int


@dataclass(frozen=True)
class Wanted:
    """What a model takes.

    Attributes:
        names: every column, in the model's order.
        wide: the columns of each input of the graph that is called otherwise than its one column.
    """

    names: Sequence[str]
    wide: Mapping[str, Sequence[str]]


def from_split(given: object, wanted: Wanted) -> Rows:
    """Read `{"columns": [...], "data": [[...]]}`; without columns they are the model's, in its order."""
    if not isinstance(given, dict):
        raise RequestRefused('dataframe_split is no object: send {"columns": [...], "data": [[...]]}')
    columns = given.get("columns", wanted.names)
    if not isinstance(columns, (list, tuple)) or not all(isinstance(name, str) for name in columns):
        raise RequestRefused("dataframe_split.columns is no list of names")
    if len(set(columns)) < len(columns):
        twice = Counter(columns).most_common(1)[0][0]
        raise RequestRefused(f"dataframe_split.columns has {twice[:80]!r} twice: send each column once")
    return _positional(given.get("data"), columns, "dataframe_split.data")


def from_records(given: object, wanted: Wanted, what: str = "dataframe_records") -> Rows:
    """Read `[{"a": 1, "b": 2}, ...]`; what a record leaves out is missing."""
    records = _rows(given, what)
    seen: dict[str, None] = {}
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise RequestRefused(f"row {row} of {what} is no object of values by column: send one like the others")
        seen.update(dict.fromkeys(record))
    unknown = [name for name in seen if name not in wanted.names]
    if len(unknown) > 1:  # one may be the id column; more need not be gathered to be refused
        seen = dict.fromkeys([*wanted.names, *unknown[:2]])
    refuse_too_many(len(seen), len(records))
    return Rows({name: [record.get(name) for record in records] for name in seen}, len(records))


def from_instances(given: object, wanted: Wanted) -> Rows:
    """Read rows as objects, as lists in the model's order, or, where it takes one column, as bare values."""
    rows = _rows(given, "instances")
    if isinstance(rows[0], dict):
        return from_records(rows, wanted, "instances")
    if len(wanted.names) == 1 and not isinstance(rows[0], list):
        rows = [[value] for value in rows]
    return _positional(rows, wanted.names, "instances")


def from_inputs(given: object, wanted: Wanted) -> Rows:
    """Read values by column, or by input of the graph; or rows as `instances` has them."""
    if not isinstance(given, dict):
        return from_instances(given, wanted)
    columns: dict[str, list[Any]] = {}
    for name, values in given.items():
        if name in wanted.wide and name not in wanted.names:
            columns.update(_positional(values, wanted.wide[name], f"inputs.{name}").columns)
        else:
            columns[name] = _unnested(_rows(values, f"inputs.{name[:80]}"))
    counts = {len(values) for values in columns.values()}
    if len(counts) != 1:
        raise RequestRefused(
            "the columns of inputs differ in length, or there are none: send one value a row in each"
        )
    return Rows(columns, counts.pop())


def refuse_too_many(columns: int, rows: int) -> None:
    """Check that rows are few enough to be unfolded, whatever they leave out.

    Raises:
        RequestRefused: with 413, where they are not.
    """
    if columns * rows > MOST_CELLS:
        raise RequestRefused(f"there are {rows:,} rows of {columns} columns: send fewer at a time", status=413)


def _rows(given: object, what: str) -> list[Any]:
    if not isinstance(given, list) or not given:
        raise RequestRefused(f"{what} is no list of rows, or an empty one: send at least one")
    return given


def _positional(given: object, columns: Sequence[str], what: str) -> Rows:
    rows = _rows(given, what)
    for row, values in enumerate(rows):
        if not isinstance(values, list) or len(values) != len(columns):
            raise RequestRefused(f"row {row} of {what} is no list of {len(columns)} values: send one for each column")
    return Rows(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)), len(rows))


def _unnested(values: list[Any]) -> list[Any]:
    """Return the values of one column, which may come as a tensor of one column."""
    nested = all(isinstance(value, list) and len(value) == 1 for value in values)
    return [value[0] for value in values] if nested else values
