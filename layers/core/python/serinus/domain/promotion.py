"""Evidence that a candidate is *not worse by more than the margin*: what a promotion waits for.

Per tick, the likelihood ratio of what stable and candidate did so far against the nearest pair of shares at which the
candidate is worse by the difference d. The nearest in relative entropy makes it an e-value for *every* pair that is
worse by d or more (Turner, Ly & Grünwald 2024, theorem 1: the set of such pairs is convex), so its product over ticks
reaches 1/β with a chance of at most β when the candidate is worse by d, whenever one looks (Ville 1939).

The functions on arrays take any leading axes, so that a simulation of many rollouts runs through this very code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from serinus.domain.evidence import NOTHING, Floats, Tally

_PRIOR_REQUESTS = 200  # the candidate's share starts from stable's, as if it had answered so many like it
_REACH = 0.9  # of the difference: the alternative stays this side of what it is tested against
_NEWTON_STEPS, _PRECISION = 80, 1e-9
_SMALLEST_SHARE = 1e-12


@dataclass(frozen=True)
class PromotionEvidence:
    """The evidence of one step that the candidate is within a difference of stable on one metric.

    >>> evidence = PromotionEvidence(difference=0.02)
    >>> history = Tally(20_000, 100, 0, 0)
    >>> for minute in range(40):
    ...     tally = Tally(190, 1, 10, 0)
    ...     evidence, history = evidence.observed(tally, history=history), history + tally
    >>> round(evidence.e_value, 1)
    8444.2

    Attributes:
        difference: d, as a share.
        log_e: ln of the evidence; it starts at 0 with the step.
        total: what was counted since it did.
    """

    difference: float
    log_e: float = 0.0
    total: Tally = NOTHING

    @property
    def e_value(self) -> float:
        """The evidence; infinite where a float cannot hold it."""
        return math.exp(self.log_e) if self.log_e < 700 else math.inf

    def observed(self, tally: Tally, *, history: Tally) -> PromotionEvidence:
        """Return the evidence with a stratum more.

        Args:
            tally: what was counted.
            history: everything counted before it, what stable did before the rollout included.
        """
        increment = float(log_promotion_increments(tally.counts, history.counts, np.array(self.difference)))
        return PromotionEvidence(self.difference, self.log_e + increment, self.total + tally)

    def at_difference(self, difference: float) -> PromotionEvidence:
        """Return the evidence for a step's difference: begun anew where that is another than before."""
        return self if difference == self.difference else PromotionEvidence(difference)


def log_promotion_increments(counts: Floats, past: Floats, difference: Floats) -> Floats:
    """Return ln e of each tick.

    With a few requests by the candidate, none of them bad, there is a little evidence; a bad one takes more away.

    >>> past, ticks = np.array([10_000.0, 50, 500, 2]), np.array([[190.0, 1, 10, 0], [190.0, 1, 10, 1]])
    >>> log_promotion_increments(ticks, past, np.array(0.02)).round(2).tolist()
    [0.21, -1.56]

    Args:
        counts: [..., 4]: stable's requests and bad ones, the candidate's requests and bad ones.
        past: the same, of all earlier ticks and of stable's past. Where stable was never asked, nothing is known that
            a ratio could start from, and there is no evidence.
        difference: d, [...].
    """
    stable_share = np.minimum((past[..., 1] + 0.5) / (past[..., 0] + 1), 1 - _SMALLEST_SHARE)
    candidate_share = (past[..., 3] + _PRIOR_REQUESTS * stable_share) / (past[..., 2] + _PRIOR_REQUESTS)
    candidate_share = np.minimum(candidate_share, stable_share + _REACH * difference)
    stable, candidate = counts[..., 0], counts[..., 2]
    nearest = nearest_worse(stable, candidate, stable_share, candidate_share, difference)
    ratio = _log_ratio(counts[..., 1], stable, stable_share, nearest)
    ratio = ratio + _log_ratio(counts[..., 3], candidate, candidate_share, nearest + difference)
    return np.where(past[..., 0] > 0, ratio, 0.0)


def nearest_worse(
    stable: Floats, candidate: Floats, stable_share: Floats, candidate_share: Floats, difference: Floats
) -> Floats:
    """Return the a that solves nA(a−qA)/(a(1−a)) + nB(b−qB)/(b(1−b)) = 0, b = a + d.

    The left side is the derivative of a convex function and changes sign between qB − d and qA; Newton's steps are
    taken where they stay between what is known of the root, else the interval is halved.

    >>> a = nearest_worse(np.array(900.0), np.array(100.0), np.array(0.005), np.array(0.005), np.array(0.02))
    >>> b = a + 0.02
    >>> abs(900 * (a - 0.005) / (a * (1 - a)) + 100 * (b - 0.005) / (b * (1 - b))) < 1e-6
    np.True_
    """
    low = np.maximum(candidate_share - difference, _SMALLEST_SHARE)
    high = np.maximum(np.minimum(stable_share, 1 - difference - _SMALLEST_SHARE), low)
    a = np.where(candidate > 0, (low + high) / 2, high)
    for _ in range(_NEWTON_STEPS):
        b = a + difference
        variance_a, variance_b = a * (1 - a), b * (1 - b)
        slope = stable * (a - stable_share) / variance_a + candidate * (b - candidate_share) / variance_b
        curvature = stable * _curvature(a, stable_share) + candidate * _curvature(b, candidate_share)
        low, high = np.where(slope < 0, a, low), np.where(slope > 0, a, high)
        newton = a - slope / np.maximum(curvature, _SMALLEST_SHARE)
        following = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        settled = np.all(np.abs(following - a) <= _PRECISION * a)
        a = following
        if settled:
            break
    return np.asarray(a, dtype=np.float64)


def _curvature(share: Floats, alternative: Floats) -> Floats:
    return np.asarray(alternative / share**2 + (1 - alternative) / (1 - share) ** 2, dtype=np.float64)


def _log_ratio(bad: Floats, requests: Floats, share: Floats, null: Floats) -> Floats:
    return np.asarray(
        bad * np.log(share / null) + (requests - bad) * (np.log1p(-share) - np.log1p(-null)), dtype=np.float64
    )
