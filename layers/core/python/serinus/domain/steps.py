"""Between which of some rising steps do many numbers lie? Told by a grid nearly, and by halving exactly."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating[Any]]  # of 32 or 64 bits
Places = npt.NDArray[np.int64]

_CELLS = 1_024
_FEW = 0.5  # share of numbers in cells with steps, below which only these are looked at


class Steps:
    """Rising steps, and a grid of equal cells over them.

    A value's cell never falls as the value rises, whatever is rounded, so a step that lies in an earlier cell is
    below the value, and one in a later cell above it: only steps in the value's own cell have to be compared.
    """

    def __init__(self, steps: Numbers, low: float, high: float) -> None:
        """Take the steps, in the precision of the numbers to come, and the range in which most of them lie."""
        kind = steps.dtype.type
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            scale = kind(_CELLS) / (kind(high) - kind(low))
        if not np.isfinite(scale):  # one step, or steps as near as numbers come
            scale = kind(1)
        self._low, self._scale = kind(low), max(scale, np.finfo(kind).tiny)  # they may be too far apart to tell
        self._steps = steps
        cells = self._cells(steps)
        self._before = np.searchsorted(cells, np.arange(_CELLS + 2), side="left")
        within = np.bincount(cells, minlength=_CELLS + 2)
        self._crowded = within > 0
        self._halves = [1 << power for power in reversed(range(int(within.max()).bit_length()))]
        self._padded = np.concatenate([steps, np.full(sum(self._halves) + 1, np.nan, dtype=kind)])

    def places(self, values: Numbers) -> Places:
        """Return how many steps are at or below each value; for NaN 0."""
        return self._places(values, self._cells(values))

    def counts(self, values: Numbers) -> Places:
        """Return how many values lie in each place, [steps + 1]; NaN is not counted."""
        cells = self._cells(values)
        in_cells = np.bincount(cells, minlength=_CELLS + 2)
        size = self._steps.size + 1
        if in_cells[self._crowded].sum() > _FEW * values.size:
            counts = np.bincount(self._places(values, cells), minlength=size)
        else:
            chosen = np.flatnonzero(self._crowded.take(cells))
            exact = self._places(values.take(chosen), cells.take(chosen))
            counts = np.bincount(exact, minlength=size) + self._summed(in_cells)
        if values.size and np.isnan(values.min()):
            counts[0] -= np.count_nonzero(np.isnan(values))
        return counts.astype(np.int64, copy=False)

    def _summed(self, in_cells: Places) -> Places:
        starts, groups = self._plain
        counts = np.zeros(self._steps.size + 1, dtype=np.int64)
        counts[groups] = np.add.reduceat(np.where(self._crowded, 0, in_cells), starts)
        return counts

    @cached_property
    def _plain(self) -> tuple[Places, Places]:
        """Runs of cells that lie in the same place: where they start, and which place that is."""
        starts = np.flatnonzero(np.diff(self._before, prepend=-1))
        return starts, self._before[starts]

    def _places(self, values: Numbers, cells: Places) -> Places:
        place: Places = self._before.take(cells)
        for half in self._halves:
            place += half * (values >= self._padded.take(place + (half - 1)))
        return place

    def _cells(self, values: Numbers) -> Places:
        """Return the cell of each value, 0 where it lies before the grid, and of NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            cells = values - self._low
            cells *= self._scale
            cells += 1
        if cells.size and np.isnan(cells.min()):  # of NaN, or of infinity times nothing
            np.fmax(cells, 0, out=cells)
        np.clip(cells, 0, _CELLS + 1, out=cells)
        return cells.astype(np.int32).astype(np.int64)  # processors turn four numbers at once into 32 bits
