"""What rows look like jointly: how they lie along the reference's principal components, and how far off these.

Columns one by one do not tell that two of them no longer go together. Here each value counts by the bin that it falls
into, so the joint number needs no more than bin numbers, whatever a column holds, and no value is far enough out to
rule a row. What is logged of a row may come in any company: all sums are of whole numbers, and therefore exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Bins, CategoricalBins, Counts, NumericBins, Slots, Special, TextBins
from serinus.domain.chosen_bins import edges_at
from serinus.domain.signature import Datatype

Reals = npt.NDArray[np.float64]

MOST_COMPONENTS = 5
_QUANTILES = np.linspace(0, 1, 21)
_A_DEVIATION = 100  # a value of so many is one standard deviation from the reference's mean
_FURTHEST = 4.0  # standard deviations
_ONE = 1_000  # a loading of so many is 1
_LOWEST = frozenset({Special.BELOW, Special.NEGATIVE_INFINITE, Special.UNDER_DECLARED})
_HIGHEST = frozenset({Special.ABOVE, Special.POSITIVE_INFINITE, Special.OVER_DECLARED})


@dataclass(frozen=True)
class Joint:
    """Principal components of a reference, and the bins of rows along them.

    Attributes:
        values: what each slot of each feature counts for, in hundredths of a standard deviation, [features][slots].
        loadings: what each feature counts for along each component, in thousandths, [components][features].
        bins: of each component, and last of the error: the squared distance from what the components span.
    """

    values: tuple[tuple[int, ...], ...]
    loadings: tuple[tuple[int, ...], ...]
    bins: tuple[NumericBins, ...]

    @property
    def width(self) -> int:
        """How many slots all bins take."""
        return self._starts[-1]

    def section(self, position: int) -> slice:
        """The slots of one component, or of the error, relative to the start of the joint section."""
        return slice(self._starts[position], self._starts[position + 1])

    def slots(self, columns: Sequence[Slots]) -> Slots:
        """Return the slots of rows, relative to the start of the joint section; [bins, rows], laid flat.

        Args:
            columns: of each feature the bin numbers, relative to its section, [rows] each.
        """
        along = _along(
            [values.take(slots) for values, slots in zip(self._values, columns, strict=True)], self._loadings
        )
        each = zip(self.bins, along, self._starts, strict=False)
        return np.concatenate([bins.slots(column) + start for bins, column, start in each])

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return (0, *accumulate(bins.width for bins in self.bins))

    @cached_property
    def _values(self) -> Sequence[Reals]:
        return [np.array(values, dtype=np.float64) for values in self.values]

    @cached_property
    def _loadings(self) -> Reals:
        return np.array(self.loadings, dtype=np.float64)


def joint_of(features: Sequence[Bins], columns: Mapping[str, Slots], scores: Reals) -> Joint | None:
    """Learn the components of a reference; `None` where fewer than two columns vary.

    A number or a date counts by the normal score of its bin's middle rank in the reference (van der Waerden), a
    category or a text by the mean score that the model gives to its bin, and what is missing or unknown as the mean.

    Args:
        features: the bins of each column.
        columns: the reference's rows by their slots, [rows] each.
        scores: the model's score of each row, [rows].
    """
    values = [_values_of(bins, columns[bins.name], scores) for bins in features]
    rows = [
        np.array(each, dtype=np.float64).take(columns[bins.name]) for bins, each in zip(features, values, strict=True)
    ]
    varying = sum(any(each) for each in values)
    if varying < 2:
        return None
    kept = min(MOST_COMPONENTS, varying - 1)
    found = np.linalg.eigh(np.cov(np.stack(rows)))[1].T[::-1][:kept]
    signs = np.sign(found[np.arange(kept), np.argmax(np.abs(found), axis=1)])
    loadings = np.rint(found * signs[:, None] * _ONE)
    names = [*(f"joint (component {number})" for number in range(1, kept + 1)), "joint (off the components)"]
    bins = [
        NumericBins(name, edges_at(np.quantile(column, _QUANTILES, method="inverted_cdf"), Datatype.FP64))
        for name, column in zip(names, _along(rows, loadings), strict=True)
    ]
    as_said = tuple(tuple(int(loading) for loading in each) for each in loadings)
    return Joint(tuple(values), as_said, tuple(bins))


def _along(values: Sequence[Reals], loadings: Reals) -> Sequence[Reals]:
    """Return how far rows lie along each component, and off them all; whole numbers far below 2**53, so exact."""
    table = np.stack(values)
    along = loadings @ table
    off = _ONE**2 * np.sum(table**2, axis=0) - np.sum(along**2, axis=0)
    return [*along, off]


def _values_of(bins: Bins, slots: Slots, scores: Reals) -> tuple[int, ...]:
    counts = np.bincount(slots, minlength=bins.width)
    if isinstance(bins, CategoricalBins | TextBins):
        told, known = _mean_scores(slots, scores, counts), counts > 0
        known[bins.specials[Special.MISSING]] = False
    else:
        told, known = _normal_scores(bins.inner, bins.specials, counts)
    rows = np.where(known, counts, 0)
    mean = float(np.average(told, weights=rows)) if rows.any() else 0.0
    spread = float(np.sqrt(np.average((told - mean) ** 2, weights=rows))) if rows.any() else 0.0
    if spread <= 1e-9:
        return (0,) * bins.width
    standard = np.clip(np.where(known, (told - mean) / spread, 0.0), -_FURTHEST, _FURTHEST)
    return tuple(int(value) for value in np.rint(standard * _A_DEVIATION))


def _mean_scores(slots: Slots, scores: Reals, counts: Counts) -> Reals:
    finite = np.isfinite(scores)
    rows = np.bincount(slots[finite], minlength=counts.size)
    total = np.bincount(slots[finite], weights=scores[finite], minlength=counts.size)
    usual = float(np.mean(scores[finite])) if finite.any() else 0.0
    return np.where(rows > 0, total / np.maximum(rows, 1), usual)


def _normal_scores(
    inner: slice[int, int, None], specials: Mapping[Special, int], counts: Counts
) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """Return each slot's normal score, and which slots have one: all that have a place in the order."""
    position = np.full(counts.size, -1)
    position[inner] = np.arange(1, inner.stop - inner.start + 1)
    for special, slot in specials.items():
        if special in _LOWEST:
            position[slot] = 0
        elif special in _HIGHEST:
            position[slot] = inner.stop - inner.start + 1
    known = position >= 0
    rising = np.bincount(position[known], weights=counts[known], minlength=inner.stop - inner.start + 2)
    ranks = (np.cumsum(rising) - rising / 2 + 0.5) / (rising.sum() + 1)
    normal = np.array([NormalDist().inv_cdf(float(rank)) for rank in ranks])
    return np.where(known, normal[position], 0.0), known
