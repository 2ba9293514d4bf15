"""Which bins a column gets from a reference population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Bins, CategoricalBins, DateBins, NumericBins, TextBins, precision
from serinus.domain.signature import Datatype
from serinus.domain.slotting import Range, instant_of, remembered

QUANTILES = tuple(float(share) for share in np.linspace(0, 1, 41))
MOST_CATEGORIES = 200
MOST_REMEMBERED = 10_000  # different texts; a column of more is free text

_DATES = 0.9  # of the texts of a column that holds dates

Reals = npt.NDArray[np.float64]


def numeric_bins(
    name: str, quantiles: Reals, datatype: Datatype, *, declared: Range = (None, None), cuts: Sequence[float] = ()
) -> NumericBins:
    """Return bins at a reference's quantiles, so that each holds about the same share of it.

    A value that is frequent, and the greatest, get bins of their own, or a flag's two values would share one.

    Args:
        name: of the column.
        quantiles: at `QUANTILES`, rising; none where no value is finite.
        datatype: in whose precision values are compared.
        declared: the least and the greatest value that the column may hold.
        cuts: further edges, at which slices begin.
    """
    return NumericBins(name, edges_at(quantiles, datatype, cuts), datatype, declared, detailed=True)


def score_bins(quantiles: Reals) -> NumericBins:
    """Return bins of a score that is no chance."""
    return NumericBins("score", edges_at(quantiles, Datatype.FP64))


def date_bins(name: str, quantiles: Reals) -> DateBins:
    """Return bins of dates, whose quantiles are in seconds since 1970."""
    return DateBins(name, edges_at(quantiles, Datatype.FP64))


def text_bins(name: str, counts: Mapping[str, int]) -> Bins:
    """Return bins of texts: of dates, of categories, or of free text.

    Free text is what has more than 10,000 different values; or more than 200, if most texts come just once or twice.
    """
    rows = sum(counts.values())
    dates = {text: instant for text in counts if (instant := instant_of(text)) is not None}
    if holds_dates(sum(counts[text] for text in dates), rows):
        instants = np.repeat(list(dates.values()), [counts[text] for text in dates])
        return date_bins(name, quantiles_of(np.asarray(instants, dtype=np.float64)))
    if is_free_text(len(counts), rows):
        return TextBins(name)
    return category_bins(name, counts)


def category_bins(name: str, counts: Mapping[str, int]) -> CategoricalBins:
    """Return bins of categories: the most frequent by name, the others remembered."""
    by_frequency = sorted(counts, key=lambda text: (-counts[text], text))
    return CategoricalBins(
        name, tuple(by_frequency[:MOST_CATEGORIES]), remembered(sorted(by_frequency[MOST_CATEGORIES:]))
    )


def holds_dates(dates: int, rows: int) -> bool:
    """Whether a column of which so many texts are dates holds dates."""
    return rows > 0 and dates >= _DATES * rows


def is_free_text(different: int, rows: int) -> bool:
    """Whether a column with so many different texts holds free text rather than categories."""
    return different > MOST_REMEMBERED or (different > MOST_CATEGORIES and 2 * different > rows)


def quantiles_of(values: Reals) -> Reals:
    """Return the finite values' quantiles at `QUANTILES`; nothing where none is finite."""
    finite = values[np.isfinite(values)]
    return np.quantile(finite, QUANTILES) if finite.size else finite


def edges_at(quantiles: Reals, datatype: Datatype, cuts: Sequence[float] = ()) -> tuple[float, ...]:
    """Return edges at quantiles, so that a frequent value, and the greatest, have a bin of their own."""
    if quantiles.size == 0:
        return tuple(sorted(cuts)) or (0.0,)
    edges = np.unique(quantiles)
    if edges.size > 1:
        repeated = edges[np.searchsorted(quantiles, edges, "right") - np.searchsorted(quantiles, edges) > 1]
        frequent = repeated[repeated < edges[-1]]
        edges = np.sort(np.concatenate([edges, _next_up(frequent, datatype), edges[-1:]]))
    more = sorted(set(cuts) - set(edges.tolist()))
    return tuple(float(edge) for edge in np.sort(np.concatenate([edges, more])))


def _next_up(values: Reals, datatype: Datatype) -> Reals:
    """Return the smallest number above each value in the feature's precision."""
    with np.errstate(over="ignore"):  # above the largest number there is infinity
        exact = values.astype(precision(datatype))
        return np.asarray(np.nextafter(exact, np.inf, dtype=exact.dtype), dtype=np.float64)
