"""The electricity market's data (see DATA.md), in time order."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.table import Table

TARGET = "class"
FIRST_QUARTER = 11_328  # rows; the first models know no more than this
VICTORIA_JOINS = 17_424  # the row at which the neighbouring market joins, and the data drift


@dataclass(frozen=True, eq=False)
class Market:
    """Features and labels of every half-hour; labels have the shape [rows]."""

    features: Table
    labels: npt.NDArray[np.float64]

    def rows(self, start: int, stop: int) -> Table:
        """Return features and target of rows [start, stop), as a data file would hold them."""
        columns = dict(self.features.slice(start, stop).columns)
        return Table(columns | {TARGET: self.labels[start:stop]})


def load_market() -> Market:
    """Read the data that ships with the demonstration."""
    packed = files(__package__).joinpath("electricity.csv.gz").read_bytes()
    table = ArrowTables().read("electricity.csv", gzip.decompress(packed))
    features = Table({name: column for name, column in table.columns.items() if name != TARGET})
    return Market(features, np.asarray(table.columns[TARGET], dtype=np.float64))
