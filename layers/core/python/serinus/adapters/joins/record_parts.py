"""Brings the record parts of a window into the database, few of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from serinus.adapters.joins.database import Database, identifier, literal
from serinus.adapters.stored.minutes import fetched
from serinus.errors import DataRefused
from serinus.use_cases.ports.storage import Objects

KEYS = ("_request", "_row", "_id", "_row_id", "_at")
_TEXT = frozenset({"_request", "_id", "_row_id"})
_AT_ONCE = 256  # parts: many small files become one


def gather(
    database: Database,
    table: str,
    objects: Objects,
    keys: Sequence[str],
    start: datetime,
    end: datetime,
    columns: Sequence[str] | None,
) -> Sequence[str]:
    """Make a table of the rows asked about in [start, end), each once; return its columns beside `KEYS`.

    Args:
        database: where to.
        table: its name.
        objects: where the parts are.
        keys: of the parts.
        start: when the window begins.
        end: when it ends, exclusive.
        columns: which are wanted; all of them, for `None`. One that no part has is left out.

    Raises:
        DataRefused: two features differ in the case of letters alone, which the database cannot tell apart.
    """
    sources, names = [], list[str]()
    for number in range(0, len(keys), _AT_ONCE):
        chunk = keys[number : number + _AT_ONCE]
        files = [
            database.file(f"part-{number + place}.parquet", body)
            for place, body in enumerate(fetched(objects, chunk))
        ]
        there = _names(database, files)
        names += [name for name in there if name not in names]
        wanted = [name for name in names if columns is None or name in columns or name in KEYS]
        _refuse_alike(wanted)
        sources += (
            files
            if len(keys) <= _AT_ONCE
            else [_compacted(database, number, files, [name for name in wanted if name in there])]
        )
    wanted = [name for name in names if name not in KEYS and (columns is None or name in columns)]
    selected = ", ".join([*(_key(name, names) for name in KEYS), *map(identifier, wanted)])
    rows = f"SELECT {selected} FROM {_read(sources)}" if sources else f"SELECT {selected} LIMIT 0"
    database.connection.execute(
        f"CREATE TABLE {table} AS SELECT * FROM ({rows}) "
        f"WHERE _at >= {start.timestamp()!r} AND _at < {end.timestamp()!r}"
    )
    _keep_each_once(database, table)
    for path in database.folder.glob("*.parquet"):
        path.unlink()
    return wanted


def _keep_each_once(database: Database, table: str) -> None:
    """Drop what was delivered twice and split differently; that is rare, and cheaper to look for than to sort for."""
    twice = f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY _request, _row HAVING count(*) > 1)"
    if database.numbers(twice) != (0,):
        database.connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} "
            "QUALIFY row_number() OVER (PARTITION BY _request, _row ORDER BY _at) = 1"
        )


def _compacted(database: Database, number: int, files: Sequence[str], wanted: Sequence[str]) -> str:
    """Write what is wanted of many parts into one file; return its path."""
    target = database.folder / f"parts-{number}.parquet"
    selected = ", ".join(map(identifier, wanted))
    database.connection.execute(f"COPY (SELECT {selected} FROM {_read(files)}) TO {literal(str(target))}")
    for path in database.folder.glob("part-*.parquet"):
        path.unlink()
    return literal(str(target))


def _names(database: Database, files: Sequence[str]) -> list[str]:
    """Return every column that some part has, in the order in which they come."""
    listed = ", ".join(files)
    found = database.connection.execute(
        f"SELECT name FROM parquet_schema([{listed}]) WHERE num_children IS NULL OR num_children = 0"
    ).fetchall()
    return list(dict.fromkeys(str(name) for (name,) in found))


def _refuse_alike(names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise DataRefused(
                f"the features {other!r} and {name!r} differ in the case of letters alone, which a join with labels "
                "cannot tell apart: rename one of them, and push the model again"
            )


def _read(sources: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(sources)}], union_by_name = true, hive_partitioning = false)"


def _key(name: str, there: Sequence[str]) -> str:
    kind = "VARCHAR" if name in _TEXT else "DOUBLE"
    return f"{identifier(name) if name in there else 'NULL'}::{kind} AS {identifier(name)}"
