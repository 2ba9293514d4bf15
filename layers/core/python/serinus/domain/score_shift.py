"""Has the distribution of scores moved between stable and candidate? Reported, and never a reason to roll back.

Per tick and tilt, ln e = Σ hA·ln(qA/r) + hB·ln(qB/r) with r = (nA·qA + nB·qB)/N. If both releases' scores have *one*
distribution p, whatever it is, e expects (Σ p·qA/r)^nA·(Σ p·qB/r)^nB, the N-th power of a geometric mean, which is at
most that of the arithmetic mean Σ p·(nA·qA + nB·qB)/(N·r) = 1. So it tests equality, which a retrained model may well
leave for the better; a policy that minds says how large a shift it tolerates, and then a promotion waits for that.

Sources: Turner, Ly & Grünwald 2024; Ramdas, Grünwald, Vovk & Shafer 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from serinus.domain.bins import Counts, NumericBins
from serinus.domain.evidence import Floats

_GROUPS = 20
_LOCATIONS = (-0.8, -0.4, -0.2, -0.1, 0.1, 0.2, 0.4, 0.8)
_SCALES = (-0.2, -0.1, 0.1, 0.2)
_LOCATION_WEIGHT = 0.75
_BEYOND = (0.1, 0.2, 0.4, 0.8)
_FURTHEST = 3.0  # standard deviations: a tilt by the square of more would put all weight on one group
_PSEUDO_COUNT = 0.5


@dataclass(frozen=True)
class ScoreShift:
    """The evidence that candidate's scores are distributed otherwise than stable's.

    >>> past = np.full(100, 50)
    >>> start = ScoreShift.at_start(past)
    >>> same = start.observed(np.full(100, 9), np.full(100, 1))
    >>> same.log_e < 0
    True
    >>> higher = start.observed(np.full(100, 9), np.arange(100) // 25)
    >>> round(math.exp(higher.log_e)) > 1_000
    True

    Attributes:
        starts: the first bin of each of up to 20 groups of about equal share in stable's past.
        standardised: where each group lies, in standard deviations of stable's past from its mean.
        past: stable's counts in each group, before the tick.
        log_tilts: ln e for each tilt: eight locations, four scales.
        tolerance: how large a shift the policy tolerates, in standard deviations; `None` where it does not mind.
        log_beyond: ln e for each shift beyond the tolerance, four up and four down.
    """

    starts: tuple[int, ...]
    standardised: tuple[float, ...]
    past: tuple[int, ...]
    log_tilts: tuple[float, ...] = (0.0,) * (len(_LOCATIONS) + len(_SCALES))
    tolerance: float | None = None
    log_beyond: tuple[float, ...] = (0.0,) * (2 * len(_BEYOND))

    @classmethod
    def at_start(cls, past: Counts, *, tolerance: float | None = None) -> ScoreShift:
        """Return the state before anything was compared.

        Args:
            past: stable's score histogram up to now, [bins], the bins in ascending order.
            tolerance: in standard deviations.
        """
        share = (np.cumsum(past) - past) * _GROUPS // max(int(past.sum()), 1)
        starts = np.unique(np.minimum(share, _GROUPS - 1), return_index=True)[1]  # bins above all scores: the last's
        starts[0] = 0
        grouped = np.add.reduceat(past, starts)
        places = np.add.reduceat(past * np.arange(past.size), starts) / np.maximum(grouped, 1)
        shares = _shares(grouped)
        mean = float(shares @ places)
        spread = math.sqrt(float(shares @ (places - mean) ** 2)) or 1.0
        standardised = np.clip((places - mean) / spread, -_FURTHEST, _FURTHEST)
        return cls(tuple(starts.tolist()), tuple(standardised.tolist()), tuple(grouped.tolist()), tolerance=tolerance)

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence that they differ: three quarters on tilts of location, one on scale."""
        weights = np.repeat(
            [_LOCATION_WEIGHT / len(_LOCATIONS), (1 - _LOCATION_WEIGHT) / len(_SCALES)],
            [len(_LOCATIONS), len(_SCALES)],
        )
        return float(np.logaddexp.reduce(np.array(self.log_tilts) + np.log(weights)))

    @property
    def log_e_beyond(self) -> float:
        """The logarithm of the evidence that the shift is larger than the tolerance; 0 where the policy names none.

        Unlike the rest it takes stable's past for its distribution, so it is as good as that past is long.
        """
        if self.tolerance is None:
            return 0.0
        return float(np.logaddexp.reduce(np.array(self.log_beyond)) - math.log(len(self.log_beyond)))

    def grouped(self, scores: Counts) -> tuple[int, ...]:
        """Return how many of a histogram's scores lie in each group; the histogram has the past's bins."""
        return tuple(np.add.reduceat(scores, self.starts).tolist())

    def observed(self, stable: Counts, candidate: Counts) -> ScoreShift:
        """Return the state with a tick more: the score histograms of both releases, [bins] of the past's."""
        return self.observed_in_groups(self.grouped(stable), self.grouped(candidate))

    def observed_in_groups(self, stable: Sequence[int], candidate: Sequence[int]) -> ScoreShift:
        """Return the state with a tick more: how many scores of each release lie in each group."""
        h_a, h_b = np.array(stable, dtype=np.float64), np.array(candidate, dtype=np.float64)
        q_a = _shares(np.array(self.past))
        tilted = _tilts(q_a, np.array(self.standardised))
        requests = h_a.sum() + h_b.sum()
        if not requests:
            return self
        middle = (h_a.sum() * q_a + h_b.sum() * tilted) / requests
        increments = (h_a * np.log(q_a / middle) + h_b * np.log(tilted / middle)).sum(axis=1)
        state = replace(
            self,
            past=tuple((np.array(self.past) + h_a.astype(np.int64)).tolist()),
            log_tilts=tuple((np.array(self.log_tilts) + increments).tolist()),
        )
        if self.tolerance is None:
            return state
        return replace(state, log_beyond=tuple((np.array(self.log_beyond) + self._beyond(q_a, h_b)).tolist()))

    def _beyond(self, q_a: Floats, h_b: Floats) -> Floats:
        tolerated = self.tolerance or 0.0
        places = np.array(self.standardised)
        increments = []
        for sign in (1, -1):
            limit = _located(q_a, places, sign * tolerated)
            increments += [h_b @ np.log(_located(q_a, places, sign * (tolerated + more)) / limit) for more in _BEYOND]
        return np.array(increments)


def ascending(scores: Counts) -> Counts:
    """Return a profile's score histogram without what was missing: the bins in ascending order."""
    return scores[NumericBins.SPECIAL - 1 :]


def _tilts(shares: Floats, places: Floats) -> Floats:
    located = [_located(shares, places, shift) for shift in _LOCATIONS]
    scaled = [_located(shares, places**2 - 1, shift) for shift in _SCALES]
    return np.array(located + scaled)


def _located(shares: Floats, places: Floats, shift: float) -> Floats:
    tilted = shares * np.exp(shift * places)
    return np.asarray(tilted / tilted.sum(), dtype=np.float64)


def _shares(counts: Counts) -> Floats:
    smoothed = counts + _PSEUDO_COUNT
    return np.asarray(smoothed / smoothed.sum(), dtype=np.float64)
