"""A database that lives in a folder for as long as one join takes, and reaches nothing else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb


@dataclass(frozen=True)
class Bounds:
    """What a join may take.

    Attributes:
        memory_mb: what DuckDB holds at once; what is more goes to disk. The result comes on top.
        threads: how many processors it keeps busy.
        disk_mb: what may go to disk; functions that join have more than that.
    """

    memory_mb: int = 256
    threads: int = 2
    disk_mb: int = 4_096


@dataclass(frozen=True)
class Database:
    """An open database, and the folder that files are put into for it to read."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def path(self, name: str) -> Path:
        """Return where a file may be written, of that name and a number.

        No two have the same path: DuckDB takes a file of the same path, size and second for the one that it knows.
        """
        return self.folder / f"{next(self._numbers)}-{name}"

    def file(self, name: str, body: bytes) -> str:
        """Write a file for it to read; return its path as a literal of SQL."""
        path = self.path(name)
        path.write_bytes(body)
        return literal(str(path))

    @contextmanager
    def lent(self, name: str, body: bytes) -> Iterator[str]:
        """Write a file for it to read; yield its path as a literal of SQL. It is gone when the block ends."""
        path = self.path(name)
        path.write_bytes(body)
        try:
            yield literal(str(path))
        finally:
            path.unlink()

    def numbers(self, query: str) -> tuple[int, ...]:
        """Return the one row of a query for numbers; what is missing is 0."""
        row = self.connection.execute(query).fetchone()
        return tuple(int(value or 0) for value in row or ())


@contextmanager
def database(bounds: Bounds) -> Iterator[Database]:
    """Open an empty database; it is gone with its folder when the block ends.

    It reads and writes nothing outside of the folder, installs and loads no extension, and reaches no network: what
    it is given to read comes from whoever may upload a file.
    """
    with TemporaryDirectory(prefix="serinus-join-") as name:
        folder = Path(name).resolve()
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{bounds.memory_mb}MB",
                "threads": bounds.threads,
                "temp_directory": str(folder / "spilled"),
                "max_temp_directory_size": f"{bounds.disk_mb}MB",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "python_enable_replacements": False,
            },
        )
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET allowed_directories = [{literal(f'{folder}/')}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield Database(connection, folder)
        finally:
            connection.close()


def is_no_fault_of_a_file(error: Exception) -> bool:
    """Whether it is the machine that failed while a file was read: out of memory, out of disk, or for good."""
    return isinstance(error, (duckdb.OutOfMemoryException, duckdb.FatalException)) or "No space left" in str(error)


def literal(text: str) -> str:
    """Return text as a literal of SQL.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a column's name as SQL takes it, whatever it holds.

    >>> identifier('say "x" twice')
    '"say ""x"" twice"'
    """
    return '"' + name.replace('"', '""') + '"'


def array(values: Sequence[int]) -> str:
    """Return numbers, or truths, as a parameter that is cast to an array of them.

    Given a list, DuckDB looks for a Python module at every item, which takes fifty times as long as all the rest.

    >>> array([3, 1]), array([True, False])
    ('[3, 1]', '[true, false]')
    """
    return json.dumps(list(values))
