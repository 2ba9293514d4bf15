"""How far apart are two histograms over the same bins? Every customary distance, from counts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from serinus.domain.chance import chi_squared
from serinus.domain.profile import Counts, NumericBins

_PSEUDO_COUNT = 0.5  # keeps an empty bin's term finite (Jeffreys)


def psi(reference: Counts, live: Counts) -> float:
    """Return the population stability index Σ (p − q)·ln(p/q) of two histograms over the same bins, in nats.

    >>> psi(np.array([50, 50]), np.array([50, 50]))
    0.0
    >>> round(psi(np.array([500, 500]), np.array([900, 100])), 3)
    0.876
    """
    p, q = _smoothed(reference), _smoothed(live)
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(reference: Counts, live: Counts) -> float:
    """Return the Jensen–Shannon distance (base 2) of two histograms over the same bins, in [0, 1].

    >>> round(jensen_shannon(np.array([1000, 0]), np.array([0, 1000])), 2)
    1.0
    """
    p, q = _smoothed(reference), _smoothed(live)
    middle = (p + q) / 2
    divergence = (np.sum(p * np.log2(p / middle)) + np.sum(q * np.log2(q / middle))) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def hellinger(reference: Counts, live: Counts) -> float:
    """Return the Hellinger distance √(1 − Σ √(p·q)) of two histograms over the same bins, in [0, 1].

    >>> hellinger(np.array([10, 0]), np.array([0, 10])), hellinger(np.array([1, 3]), np.array([2, 6]))
    (1.0, 0.0)
    """
    overlap = float(np.sum(np.sqrt(_shares(reference) * _shares(live))))
    return math.sqrt(max(1 - overlap, 0.0)) if 1 - overlap > 1e-15 else 0.0


def cramers_v(reference: Counts, live: Counts) -> float:
    """Return Cramér's V of population × bin: √(χ² / rows), the effect size of χ², in [0, 1].

    >>> cramers_v(np.array([10, 30]), np.array([30, 10]))
    0.5
    """
    rows = float(reference.sum() + live.sum())
    return math.sqrt(chi_squared(reference, live)[0] / rows) if rows else 0.0


def kolmogorov_smirnov(reference: Counts, live: Counts) -> float:
    """Return the greatest difference of two cumulative shares, at the bins' edges, in [0, 1].

    It is short of the exact statistic by no more than the share of one bin.

    Args:
        reference: counts of bins in order, without those of missing values.
        live: the same.

    >>> kolmogorov_smirnov(np.array([10, 10, 0]), np.array([0, 10, 10]))
    0.5
    """
    return float(np.max(np.abs(np.cumsum(_shares(reference) - _shares(live)))))


def wasserstein(bins: NumericBins, reference: Counts, live: Counts) -> float | None:
    """Return the first Wasserstein distance ∫|F − G| in units of the reference's standard deviation.

    Values lie evenly in their bin; those beyond the outermost edges lie on them, so that it is a lower bound where
    live values leave the reference's range. `None` where the reference does not vary.

    Args:
        bins: of the feature.
        reference: counts from below to above, without those of missing values, [inner bins + 2].
        live: the same.

    >>> bins = NumericBins("x", (0.0, 1.0, 2.0))
    >>> round(wasserstein(bins, np.array([0, 10, 10, 0]), np.array([0, 0, 20, 0])), 3)
    0.866
    """
    edges = np.asarray(bins.edges)
    widths = np.diff(edges)
    p, q = _shares(reference), _shares(live)
    spread = _spread(edges, p)
    if spread == 0:
        return None
    gaps = np.cumsum(p - q)[:-1]  # at each edge
    left, right = gaps[:-1], gaps[1:]
    same_sign = left * right >= 0
    total = np.abs(left) + np.abs(right)
    crossing = np.divide(left**2 + right**2, total, out=np.zeros(len(total)), where=total > 0)
    return float(np.sum(widths * np.where(same_sign, total, crossing)) / 2) / spread


def _spread(edges: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> float:
    """Return the standard deviation of values that lie evenly in their bins, or on the outermost edges."""
    if len(edges) < 2:
        return 0.0
    places = np.concatenate([edges[:1], (edges[:-1] + edges[1:]) / 2, edges[-1:]])
    within = np.concatenate([[0.0], np.diff(edges) ** 2 / 12, [0.0]])
    mean = float(np.sum(shares * places))
    return math.sqrt(float(np.sum(shares * ((places - mean) ** 2 + within))))


def _shares(counts: Counts) -> npt.NDArray[np.float64]:
    return np.asarray(counts / max(int(counts.sum()), 1), dtype=np.float64)


def _smoothed(counts: Counts) -> npt.NDArray[np.float64]:
    smoothed = counts + _PSEUDO_COUNT
    return np.asarray(smoothed / smoothed.sum(), dtype=np.float64)
