"""Has live traffic left the population that the model was validated on? Answered from two profiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.policy import DriftLimits
from serinus.domain.profile import CategoricalBins, Counts, NumericBins, Profile

_GROUPS = 10  # the customary number for PSI; more bins only add noise to small windows
_PSEUDO_COUNT = 0.5  # keeps an empty bin's term finite (Jeffreys)


@dataclass(frozen=True)
class Shift:
    """How far one feature, or the score, has moved.

    Attributes:
        name: the feature, or `score`.
        psi: population stability index, in nats; 0 for equal distributions.
        jensen_shannon: Jensen–Shannon distance with base 2, in [0, 1].
        limit: the PSI above which it counts as drifted.
    """

    name: str
    psi: float
    jensen_shannon: float
    limit: float

    @property
    def drifted(self) -> bool:
        """Whether the limit is exceeded."""
        return self.psi > self.limit


@dataclass(frozen=True)
class DriftReport:
    """What a drift check found; `enough` is false where the window holds too few rows to say anything."""

    rows: int
    enough: bool
    drifted: bool
    features: tuple[Shift, ...]
    score: Shift | None


def compare(reference: Profile, live: Profile, limits: DriftLimits) -> DriftReport:
    """Compare a live window with the model version's reference profile.

    A feature is compared where enough rows carried it: where the policy logs no inputs, only the score is.
    """
    if live.rows < limits.minimum_rows:
        return DriftReport(live.rows, enough=False, drifted=False, features=(), score=None)
    shifts = tuple(
        _shift(bins, reference.feature(position), live.feature(position), limits.feature_psi)
        for position, bins in enumerate(reference.layout.features)
        if live.feature(position).sum() >= limits.minimum_rows
    )
    score = _shift(reference.layout.score, reference.scores, live.scores, limits.score_psi)
    drifted = score.drifted or sum(shift.drifted for shift in shifts) >= limits.features
    return DriftReport(live.rows, enough=True, drifted=drifted, features=shifts, score=score)


def psi(reference: Counts, live: Counts) -> float:
    """Return the population stability index Σ (p − q)·ln(p/q) of two histograms over the same bins, in nats.

    >>> psi(np.array([50, 50]), np.array([50, 50]))
    0.0
    >>> round(psi(np.array([500, 500]), np.array([900, 100])), 3)
    0.876
    """
    p, q = _shares(reference), _shares(live)
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(reference: Counts, live: Counts) -> float:
    """Return the Jensen–Shannon distance (base 2) of two histograms over the same bins.

    >>> round(jensen_shannon(np.array([1000, 0]), np.array([0, 1000])), 2)
    1.0
    """
    p, q = _shares(reference), _shares(live)
    middle = (p + q) / 2
    divergence = (np.sum(p * np.log2(p / middle)) + np.sum(q * np.log2(q / middle))) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def _shares(counts: Counts) -> npt.NDArray[np.float64]:
    smoothed = counts + _PSEUDO_COUNT
    return np.asarray(smoothed / smoothed.sum(), dtype=np.float64)


def _shift(bins: NumericBins | CategoricalBins, reference: Counts, live: Counts, limit: float) -> Shift:
    groups = _grouping(bins, reference)
    before = np.bincount(groups, weights=reference).astype(np.int64)
    after = np.bincount(groups, weights=live).astype(np.int64)
    return Shift(bins.name, psi(before, after), jensen_shannon(before, after), limit)


def _grouping(bins: NumericBins | CategoricalBins, reference: Counts) -> npt.NDArray[np.int64]:
    """Assign each slot to a group: special slots alone, inner bins into runs of about equal reference share."""
    special = bins.SPECIAL
    inner = reference[special:-1] if isinstance(bins, NumericBins) else reference[special:]
    total = max(int(inner.sum()), 1)
    before = np.cumsum(inner) - inner
    runs = np.minimum(before * _GROUPS // total, _GROUPS - 1)
    _, dense = np.unique(runs, return_inverse=True)
    groups = np.concatenate([np.arange(special), dense + special])
    if isinstance(bins, NumericBins):
        groups = np.concatenate([groups, [groups.max() + 1]])
    return groups.astype(np.int64)
