"""Numbers as they pass by, in bounded memory: exact counts between some thousand steps that follow the numbers.

The first 65,536 finite values choose about a thousand steps, of about equal share. Every later value is counted
between them. Values beyond them wait, and every 65,536 of them choose steps for where they lie. So all counts are
exact at every step, the least and the greatest value are known, and nothing depends on how the values were cut into
batches. What is approximate is only how equal the bins are that are chosen in the end: an edge is at its quantile to
the share of the values between two steps. That is 0.1 % give or take a half where values come in no particular
order, and whatever it turns out to be where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins, Special
from serinus.domain.chosen_bins import QUANTILES, edges_at
from serinus.domain.signature import Datatype
from serinus.domain.steps import Numbers, Steps

FIRST = 65_536
MOST_DISTINCT = 256

_STEPS = 1_000
_MORE = 200  # steps of what lay beyond the others, on either side
_MOST = 8_192


@dataclass(frozen=True, eq=False)
class SketchedNumbers:
    """What was seen of a column of numbers: chosen bins and their counts, [bins.width].

    Attributes:
        distinct: how many different values there are; `None` for more than 256.
    """

    bins: NumericBins
    counts: Counts
    distinct: int | None


class NumberSketch:
    """Collects one column; `add` takes values in order, `bins` chooses."""

    def __init__(self, datatype: Datatype) -> None:
        self._datatype = datatype
        self._kind = np.float32 if datatype is Datatype.FP32 else np.float64
        self._special = dict.fromkeys(
            (Special.MISSING, Special.NOT_A_NUMBER, Special.NEGATIVE_INFINITE, Special.POSITIVE_INFINITE), 0
        )
        self._waiting: list[Numbers] = []
        self._steps: Steps | None = None
        self._edges: Numbers = np.empty(0, dtype=self._kind)  # the last is just above the greatest value
        self._counts: Counts = np.empty(0, dtype=np.int64)  # between them
        self._distinct: Numbers | None = np.empty(0, dtype=self._kind)

    def add(self, values: Numbers, not_numbers: int = 0) -> None:
        """Take values, of whose NaN so many are no missing ones."""
        values = values.astype(self._kind, copy=False)
        finite = values[np.isfinite(values)]
        if finite.size < values.size:
            positive, negative = int(np.sum(values == np.inf)), int(np.sum(values == -np.inf))
            self._special[Special.POSITIVE_INFINITE] += positive
            self._special[Special.NEGATIVE_INFINITE] += negative
            self._special[Special.NOT_A_NUMBER] += not_numbers
            self._special[Special.MISSING] += values.size - finite.size - positive - negative - not_numbers
        self._tell_apart(values)
        self._take(finite)

    def chosen(self, name: str) -> SketchedNumbers:
        """Choose bins at the quantiles, and count them."""
        self._settle()
        edges = self._edges[:-1]
        quantiles = self._quantiles()
        chosen = edges_at(quantiles, self._datatype) if quantiles.size else (0.0,)
        kept = [edge for edge in chosen[:-1] if edge in set(edges.tolist())] + [*chosen[-1:]]
        bins = NumericBins(name, tuple(kept), self._datatype, detailed=True)
        counts = np.zeros(bins.width, dtype=np.int64)
        if self._counts.size:
            np.add.at(counts, bins.slots(edges), self._counts)
        for special, times in self._special.items():
            counts[bins.specials[special]] += times
        return SketchedNumbers(bins, counts, None if self._distinct is None else self._distinct_values())

    def _distinct_values(self) -> int:
        found = 0 if self._distinct is None else self._distinct.size
        return found + sum(
            self._special[special] > 0
            for special in (Special.NOT_A_NUMBER, Special.NEGATIVE_INFINITE, Special.POSITIVE_INFINITE)
        )

    def _take(self, finite: Numbers) -> None:
        """Count what lies between the steps; let the rest wait, and choose steps as often as enough waits."""
        while finite.size:
            if self._steps is not None:
                beyond = (finite < self._edges[0]) | (finite >= self._edges[-1])
            else:
                beyond = np.ones(finite.size, dtype=bool)
            places = np.flatnonzero(beyond)
            room = FIRST - sum(waiting.size for waiting in self._waiting)
            until = finite.size if places.size < room else int(places[room - 1]) + 1
            now, outside = finite[:until], finite[:until][beyond[:until]]
            if self._steps is not None:
                self._counts += self._steps.counts(now)[1:-1]
            if outside.size:
                self._waiting.append(outside.copy())
            if places.size >= room:
                self._settle()
            finite = finite[until:]

    def _settle(self) -> None:
        """Choose steps for what waits, and count it."""
        if not self._waiting:
            return
        waiting = np.sort(np.concatenate(self._waiting))
        self._waiting = []
        if self._edges.size == 0:
            edges = _chosen(waiting, _STEPS)
        else:
            below, above = waiting[waiting < self._edges[0]], waiting[waiting >= self._edges[-1]]
            edges = np.concatenate([_chosen(below, _MORE)[:-1], self._edges, _chosen(above, _MORE)])
        counts = np.diff(np.searchsorted(waiting, edges)).astype(np.int64)
        if self._edges.size:
            first = int(np.searchsorted(edges, self._edges[0]))
            counts[first : first + self._counts.size] += self._counts
        self._edges, self._counts = _merged(edges, counts)
        middle = self._edges[[self._edges.size // 100, -1 - self._edges.size // 100]]
        self._steps = Steps(self._edges, float(middle[0]), float(middle[1]))

    def _quantiles(self) -> npt.NDArray[np.float64]:
        """Return the values at `QUANTILES`, each rounded down to a step; the last is the greatest value."""
        if self._counts.size == 0:
            return np.empty(0)
        ranks = np.array(QUANTILES) * (self._counts.sum() - 1)
        at = np.searchsorted(np.cumsum(self._counts), ranks, side="right")
        return np.asarray(self._edges[np.minimum(at, self._counts.size - 1)], dtype=np.float64)

    def _tell_apart(self, values: Numbers) -> None:
        """Keep the different values, until they are too many."""
        for start in range(0, values.size, 4_096):
            if self._distinct is None:
                return
            some = values[start : start + 4_096]
            seen = np.union1d(self._distinct, some[np.isfinite(some)])
            self._distinct = None if seen.size > MOST_DISTINCT else seen


def _chosen(rising: Numbers, number: int) -> Numbers:
    """Return steps of about equal share: values, what is just above frequent ones, and just above the greatest."""
    if rising.size == 0:
        return rising
    kind = rising.dtype.type
    picked = rising[np.linspace(0, rising.size - 1, min(number + 1, rising.size)).astype(np.int64)]
    values, times = np.unique(picked, return_counts=True)
    frequent = values[(times > 1)]
    with np.errstate(over="ignore"):
        above = np.nextafter(np.concatenate([frequent, values[-1:]]), kind(np.inf))
    return np.unique(np.concatenate([values, above]))


def _merged(edges: Numbers, counts: Counts) -> tuple[Numbers, Counts]:
    """Drop the steps beside the least counts, where there are too many; the first and the last two stay."""
    if edges.size <= _MOST:
        return edges, counts
    beside = counts[:-2] + counts[1:-1]  # what a bin would hold without the step between
    order = np.argsort(beside, kind="stable")[: edges.size - _MOST // 2]
    kept = np.ones(edges.size, dtype=bool)
    kept[order + 1] = False
    kept[-2:] = True
    starts = np.flatnonzero(kept[:-1])
    return edges[kept], np.add.reduceat(counts, starts)
