"""A table of rows as named columns, the one shape in which data reaches the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64] | npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length.

    Numbers are float64 with NaN for a missing value; everything else is an object array of `str`, with `None` for a
    missing value.
    """

    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns differ in length: { {k: len(v) for k, v in self.columns.items()} }")

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def select(self, names: Sequence[str]) -> Table:
        """Return the named columns, in that order."""
        return Table({name: self.columns[name] for name in names})

    def slice(self, start: int, stop: int) -> Table:
        """Return rows [start, stop)."""
        return Table({name: column[start:stop] for name, column in self.columns.items()})

    def take(self, rows: npt.NDArray[np.intp]) -> Table:
        """Return the rows at these positions, in that order."""
        return Table({name: column[rows] for name, column in self.columns.items()})


def concatenated(tables: Sequence[Table]) -> Table:
    """Stack tables that have the same columns.

    >>> two = concatenated([Table({"x": np.array([1.0])}), Table({"x": np.array([2.0])})])
    >>> two.rows
    2
    """
    if not tables:
        return Table({})
    return Table({name: np.concatenate([table.columns[name] for table in tables]) for name in tables[0].columns})
