"""What one pass over a data file finds: counts, and the numbers of a few rows, but no value of any row.

Rows are numbered from 1, without a header. Everything is counted in bounded memory: duplicates in a sample by the
hash of the row, which holds all copies of a row or none, so that the share it finds is the file's but for chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from serinus.domain.data_limits import ColumnKind, DeclaredColumn, Expectation
from serinus.domain.table import Table

EXAMPLES = 3


@dataclass(frozen=True)
class Occurrences:
    """How often something was found, and the first rows it was found in."""

    count: int = 0
    rows: tuple[int, ...] = ()

    def __add__(self, later: Occurrences) -> Occurrences:
        return Occurrences(self.count + later.count, (self.rows + later.rows)[:EXAMPLES])


@dataclass(frozen=True)
class ColumnScan:
    """What was found in one column.

    Attributes:
        kind: what it holds; `None` where nothing is there, so that it fits either.
        missing: blank, null or NaN.
        infinite: of a number.
        constant: whether all values that are there are the same.
        distinct: how many different texts there are, to within a few percent; 0 of a number.
        beyond: outside of what the policy declares.
    """

    kind: ColumnKind | None
    missing: Occurrences
    infinite: Occurrences
    constant: bool
    distinct: int
    beyond: Occurrences


@dataclass(frozen=True)
class Repetition:
    """How many rows repeat an earlier one.

    Attributes:
        looked_at: how many rows the sample by hash holds; all of them, where memory sufficed.
        repeated: how many of them repeat an earlier one.
        rows: the first that do.
    """

    looked_at: int
    repeated: int
    rows: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        """The share of rows that repeat an earlier one."""
        return self.repeated / self.looked_at if self.looked_at else 0.0


@dataclass(frozen=True)
class Times:
    """When rows came to be.

    Attributes:
        newest: of those that are not in the future; `None` where there is none.
        unreadable: neither a date and time nor a number of seconds.
        future: later than the clock of whoever looks.
        ancient: before the year 2000, as a clock says that was never set.
    """

    newest: datetime | None
    unreadable: Occurrences
    future: Occurrences
    ancient: Occurrences


@dataclass(frozen=True, eq=False)
class RowHashes:
    """A sample of rows by hash: those whose hash lies below 2**(64 − halvings).

    Attributes:
        hashes: ascending, uint64; a row that comes twice is here twice.
        rows: the number of each row.
    """

    halvings: int
    hashes: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Questions:
    """What to look for in a file.

    Attributes:
        at: what the clock shows.
        target: the column that is to be predicted, whose values are counted.
        declared: by column.
        expectations: whose conditions fit the columns is found out by the scan.
    """

    at: datetime
    target: str | None = None
    time_column: str | None = None
    id_column: str | None = None
    declared: Mapping[str, DeclaredColumn] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()


@dataclass(frozen=True, eq=False)
class DataScan:
    """What one pass over a file found.

    Attributes:
        file: its name.
        columns: by name, in the file's order.
        duplicates: of whole rows.
        duplicate_ids: of the id column, blanks apart; `None` where there is none.
        classes: how many rows have each value of the target; empty where there are too many values for classes.
        times: of the time column; `None` where there is none.
        broken: for each expectation the rows that break it, or why that cannot be told.
        hashes: for comparing with another file of the same columns.
        sample: rows drawn at random, for what takes sorting.
    """

    file: str
    rows: int
    columns: Mapping[str, ColumnScan]
    duplicates: Repetition
    duplicate_ids: Repetition | None
    classes: Mapping[str, int]
    times: Times | None
    broken: tuple[Occurrences | str, ...]
    hashes: RowHashes
    sample: Table


def repetition(found: RowHashes) -> Repetition:
    """Count the rows whose hash an earlier row has.

    >>> repetition(RowHashes(0, np.array([3, 5, 5, 9], np.uint64), np.array([4, 1, 2, 3]))).rows
    (2,)
    """
    again = np.flatnonzero(found.hashes[1:] == found.hashes[:-1]) + 1
    rows = np.sort(np.maximum(found.rows[again], found.rows[again - 1]))[:EXAMPLES]  # of two copies the later
    return Repetition(len(found.hashes), len(again), tuple(int(row) for row in rows))


def overlap(rows: RowHashes, among: RowHashes) -> Repetition:
    """Count the rows that are among the others too.

    Two samples are compared at the coarser one's halvings, so that either holds each row that both have, or neither.

    >>> ours = RowHashes(0, np.array([3, 5, 9], np.uint64), np.array([1, 2, 3]))
    >>> overlap(ours, RowHashes(0, np.array([4, 9], np.uint64), np.array([1, 2])))
    Repetition(looked_at=3, repeated=1, rows=(3,))
    """
    halvings = max(rows.halvings, among.halvings)
    ours, others = _below(rows, halvings), _below(among, halvings)
    if not len(others.hashes):
        return Repetition(len(ours.hashes), 0)
    places = np.minimum(np.searchsorted(others.hashes, ours.hashes), len(others.hashes) - 1)
    found = np.flatnonzero(others.hashes[places] == ours.hashes)
    examples = np.sort(ours.rows[found])[:EXAMPLES]
    return Repetition(len(ours.hashes), len(found), tuple(int(row) for row in examples))


def _below(found: RowHashes, halvings: int) -> RowHashes:
    if found.halvings == halvings:
        return found
    stop = int(np.searchsorted(found.hashes, np.uint64(1) << np.uint64(64 - halvings)))
    return RowHashes(halvings, found.hashes[:stop], found.rows[:stop])
