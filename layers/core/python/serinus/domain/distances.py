"""How far apart are two histograms over the same bins? Every customary distance, from counts.

Counts come as [..., bins], one column or many at once, and distances as [...].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts
from serinus.domain.chance import chi_squared

Reals = npt.NDArray[np.float64]
_Which = npt.NDArray[np.bool_] | bool

_PSEUDO_COUNT = 0.5  # keeps an empty bin's term finite (Jeffreys)


def psi(reference: Counts, live: Counts, exists: _Which = True) -> Reals:
    """Return the population stability index Σ (p − q)·ln(p/q) of two histograms over the same bins, in nats.

    Args:
        reference: counts of bins.
        live: the same.
        exists: which of the bins are bins, and not padding.

    >>> float(psi(np.array([50, 50]), np.array([50, 50])))
    0.0
    >>> round(float(psi(np.array([500, 500]), np.array([900, 100]))), 3)
    0.876
    """
    p, q = _smoothed(reference, exists), _smoothed(live, exists)
    return np.asarray(np.sum((p - q) * np.log(p / q), axis=-1, where=exists))


def psi_by_chance(reference: Counts, live: Counts, design_effect: Reals | float = 1.0) -> Reals:
    """Return the PSI that two samples of one population have on average, (groups − 1)·(1/n + 1/m)·design effect.

    Args:
        reference: counts of bins; those that neither side has are none.
        live: the same.
        design_effect: how many rows tell as much as one independent row, [...].

    >>> round(float(psi_by_chance(np.array([500, 500]), np.array([500, 500]))), 3)
    0.002
    """
    groups = np.count_nonzero(reference + live, axis=-1)
    rows = 1 / np.maximum(reference.sum(axis=-1), 1) + 1 / np.maximum(live.sum(axis=-1), 1)
    return np.asarray((groups - 1) * design_effect * rows)


def jensen_shannon(reference: Counts, live: Counts, exists: _Which = True) -> Reals:
    """Return the Jensen–Shannon distance (base 2) of two histograms over the same bins, in [0, 1]; see `psi`.

    >>> round(float(jensen_shannon(np.array([1000, 0]), np.array([0, 1000]))), 2)
    1.0
    """
    p, q = _smoothed(reference, exists), _smoothed(live, exists)
    middle = (p + q) / 2
    terms = (p * np.log2(p / middle) + q * np.log2(q / middle)) / 2
    return np.asarray(np.sqrt(np.maximum(np.sum(terms, axis=-1, where=exists), 0.0)))


def hellinger(reference: Counts, live: Counts) -> Reals:
    """Return the Hellinger distance √(1 − Σ √(p·q)) of two histograms over the same bins, in [0, 1].

    >>> float(hellinger(np.array([10, 0]), np.array([0, 10]))), float(hellinger(np.array([1, 3]), np.array([2, 6])))
    (1.0, 0.0)
    """
    apart = 1 - np.sum(np.sqrt(_shares(reference) * _shares(live)), axis=-1)
    return np.sqrt(np.where(apart > 1e-15, apart, 0.0))


def cramers_v(reference: Counts, live: Counts) -> Reals:
    """Return Cramér's V of population × bin: √(χ² / rows), the effect size of χ², in [0, 1].

    >>> float(cramers_v(np.array([10, 30]), np.array([30, 10])))
    0.5
    """
    rows = np.sum(reference + live, axis=-1)
    return np.asarray(np.sqrt(chi_squared(reference, live)[0] / np.maximum(rows, 1)))


def kolmogorov_smirnov(reference: Counts, live: Counts) -> Reals:
    """Return the greatest difference of two cumulative shares, at the bins' edges, in [0, 1].

    It is short of the exact statistic by no more than the share of one bin.

    Args:
        reference: counts of bins in order, without those of missing values; padding comes last.
        live: the same.

    >>> float(kolmogorov_smirnov(np.array([10, 10, 0]), np.array([0, 10, 10])))
    0.5
    """
    return np.asarray(np.max(np.abs(np.cumsum(_shares(reference) - _shares(live), axis=-1)), axis=-1))


def wasserstein(edges: Reals, reference: Counts, live: Counts) -> Reals:
    """Return the first Wasserstein distance ∫|F − G| in units of the reference's standard deviation.

    Values lie evenly in their bin; those beyond the outermost edges lie on them, so that it is a lower bound where
    live values leave the reference's range. NaN where the reference does not vary.

    Args:
        edges: of the inner bins, [..., edges]; where some columns have fewer, their last edge is repeated.
        reference: counts from below to above, without those of missing values, [..., edges + 1]; padding comes last.
        live: the same.

    >>> edges = np.array([0.0, 1.0, 2.0])
    >>> round(float(wasserstein(edges, np.array([0, 10, 10, 0]), np.array([0, 0, 20, 0]))), 3)
    0.866
    """
    p, q = _shares(reference), _shares(live)
    gaps = np.cumsum(p - q, axis=-1)[..., :-1]  # at each edge
    left, right = gaps[..., :-1], gaps[..., 1:]
    same_sign = left * right >= 0
    total = np.abs(left) + np.abs(right)
    crossing = np.divide(left**2 + right**2, total, out=np.zeros(total.shape), where=total > 0)
    area = np.sum(np.diff(edges, axis=-1) * np.where(same_sign, total, crossing), axis=-1) / 2
    spread = _spread(edges, p)
    varied = spread > 0
    return np.where(varied, area / np.where(varied, spread, 1.0), np.nan)


def _spread(edges: Reals, shares: Reals) -> Reals:
    """Return the standard deviation of values that lie evenly in their bins, or on the outermost edges."""
    middles, within = (edges[..., :-1] + edges[..., 1:]) / 2, np.diff(edges, axis=-1) ** 2 / 12
    places = np.concatenate([edges[..., :1], middles, edges[..., -1:]], axis=-1)
    mean = np.sum(shares * places, axis=-1, keepdims=True)
    inner = np.sum(shares[..., 1:-1] * within, axis=-1)
    return np.asarray(np.sqrt(np.sum(shares * (places - mean) ** 2, axis=-1) + inner))


def _shares(counts: Counts) -> Reals:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1), dtype=np.float64)


def _smoothed(counts: Counts, exists: _Which) -> Reals:
    """Return shares, a pseudo-count added to each bin; of padding, one, which takes no part."""
    smoothed = np.where(exists, counts + _PSEUDO_COUNT, 0.0)
    return np.where(exists, smoothed / smoothed.sum(axis=-1, keepdims=True), 1.0)
