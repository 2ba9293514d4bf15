"""Evidence that a candidate is worse than stable on a binary metric, which may be looked at as often as one likes.

Given how many requests were bad in all, random routing makes it a matter of chance which release got them: under "the
candidate is no worse" its bad requests are hypergeometric, whatever the base rate does. Against it stand candidates
whose odds of a bad request are ψ times stable's (Fisher's non-central hypergeometric distribution). The likelihood
ratio of the two is an *e-value*: its expectation under the null is at most 1, and so is that of a product over ticks,
at any stopping time. By Ville's inequality the chance that it ever reaches 1/α is at most α.

The functions on arrays take any leading axes, so that a simulation of many rollouts runs through this very code.

Sources: Ville, "Étude critique de la notion de collectif" (1939); Lindon & Malek, "Anytime-valid inference for
multinomial count data" (NeurIPS 2022); Turner, Ly & Grünwald, "Generic E-variables for exact sequential k-sample
tests that allow for optional stopping" (2024); Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences" (2021); Ramdas, Grünwald, Vovk & Shafer, "Game-theoretic statistics and safe
anytime-valid inference" (2023).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from serinus.domain.guard import ODDS_RATIOS

Floats = npt.NDArray[np.float64]

_FIRST_WEIGHT = 0.5
_SUMMED_WHOLE = 200  # terms; with more, only those around the mode are summed
_SCALE = 20.0  # the middle of the odds ratios: its powers keep 200 terms within what a float can hold
_HALF_WINDOW = 64  # points on each side of the mode, five to a standard deviation at the least
_ROWS_AT_ONCE = 4_096


@dataclass(frozen=True)
class Tally:
    """What was counted of one metric in one tick and stratum: requests, and how many of them were bad."""

    stable_requests: int
    stable_bad: int
    candidate_requests: int
    candidate_bad: int

    def __post_init__(self) -> None:
        if not (0 <= self.stable_bad <= self.stable_requests and 0 <= self.candidate_bad <= self.candidate_requests):
            raise ValueError(f"{self} has more bad requests than requests, or a negative number")

    @property
    def counts(self) -> Floats:
        """The four numbers in order, as the functions on arrays take them."""
        return np.array([self.stable_requests, self.stable_bad, self.candidate_requests, self.candidate_bad], float)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.stable_requests + other.stable_requests,
            self.stable_bad + other.stable_bad,
            self.candidate_requests + other.candidate_requests,
            self.candidate_bad + other.candidate_bad,
        )


NOTHING = Tally(0, 0, 0, 0)


@dataclass(frozen=True)
class Difference:
    """The Mantel–Haenszel difference in shares of bad requests: candidate's minus stable's *of the same ticks*.

    Totals would compare a candidate that got most of its traffic at noon with a stable that got it at night.

    >>> night, noon = Tally(900, 0, 100, 0), Tally(500, 50, 500, 50)
    >>> Difference().observed(night).observed(noon).share
    0.0
    >>> round(Difference().observed(Tally(1000, 5, 100, 2)).share, 4)
    0.015
    """

    numerator: float = 0.0
    denominator: float = 0.0

    @property
    def share(self) -> float:
        """The difference, in [−1, 1]; 0 while there is nothing to compare."""
        return self.numerator / self.denominator if self.denominator else 0.0

    def __add__(self, other: Difference) -> Difference:
        return Difference(self.numerator + other.numerator, self.denominator + other.denominator)

    def observed(self, tally: Tally) -> Difference:
        """Return the difference with a tick more."""
        numerator, denominator = difference_terms(tally.counts)
        return self + Difference(float(numerator), float(denominator))


@dataclass(frozen=True)
class MetricEvidence:
    """The evidence against a candidate on one metric: about 20 numbers, whatever the traffic.

    E = mean over ψ of M_ψ + 1 − Σ w, with M_ψ ← (M_ψ + w_t)·e_ψ. Half of the stake is laid at the start, the rest at
    each hour j = 1, 2, … (½/(j(j+1)) of it), so that a fault which begins late is not held up by the time when all
    was well.

    >>> evidence = MetricEvidence.at_start(tolerance=1.0)
    >>> evidence.e_value
    1.0
    >>> for minute in range(10):
    ...     evidence = evidence.observed([Tally(190, 1, 10, 1)], hour=0)
    >>> round(evidence.e_value)
    1498492
    >>> round(evidence.excess, 4)
    0.0947

    Attributes:
        tolerance: ψ0.
        log_wealth: ln M_ψ for each odds ratio of the grid above the tolerance.
        staked: Σ w, the share of the stake laid so far.
        total: everything counted, for people to read and as the history that the promotion test learns from.
        hour: hours since the rollout began, at the last tick.
        overall: the difference since the rollout began.
        this_hour: the difference in this hour.
        hour_before: the difference in the hour before.
    """

    tolerance: float
    log_wealth: tuple[float, ...]
    staked: float = _FIRST_WEIGHT
    total: Tally = NOTHING
    hour: int = 0
    overall: Difference = Difference()
    this_hour: Difference = Difference()
    hour_before: Difference = Difference()

    @classmethod
    def at_start(cls, *, tolerance: float) -> MetricEvidence:
        """Return the evidence before anything was counted: E = 1."""
        return cls(tolerance, (math.log(_FIRST_WEIGHT),) * len(grid(tolerance)))

    @property
    def log_e(self) -> float:
        """The natural logarithm of E; E may exceed what a float can hold."""
        return float(log_evidence(np.array(self.log_wealth), self.staked))

    @property
    def e_value(self) -> float:
        """E; infinite where a float cannot hold it."""
        return math.exp(self.log_e) if self.log_e < 700 else math.inf

    @property
    def excess(self) -> float:
        """By how much larger the candidate's share of bad requests is, as a share.

        The greater of the difference since the rollout began and that of this hour and the one before: a fault that
        begins on the second day would drown in the first.
        """
        return max(self.overall.share, (self.this_hour + self.hour_before).share)

    def observed(self, strata: Sequence[Tally], *, hour: int) -> MetricEvidence:
        """Return the evidence with a tick more.

        Args:
            strata: the tick's counts; each stratum holds requests of which random routing chose the release.
            hour: whole hours since the rollout began. An hour earlier than the last tick's counts as that one.
        """
        hour = max(hour, self.hour)
        counts = np.array([tally.counts for tally in strata]).reshape(-1, 4)
        increments = log_increments(counts, self.tolerance).sum(axis=0)
        wealth = log_wealth_after(np.array(self.log_wealth), increments, staked=self.staked, stake=stake(hour))
        evidence = replace(self, log_wealth=tuple(wealth.tolist()), staked=stake(hour))._at(hour)
        for tally in strata:
            evidence = evidence._counted(tally)
        return evidence

    def _at(self, hour: int) -> MetricEvidence:
        if hour == self.hour:
            return self
        before = self.this_hour if hour == self.hour + 1 else Difference()
        return replace(self, hour=hour, this_hour=Difference(), hour_before=before)

    def _counted(self, tally: Tally) -> MetricEvidence:
        return replace(
            self,
            total=self.total + tally,
            overall=self.overall.observed(tally),
            this_hour=self.this_hour.observed(tally),
        )


def grid(tolerance: float) -> Floats:
    """Return the odds ratios that stand against a tolerance."""
    return np.array([ratio for ratio in ODDS_RATIOS if ratio > tolerance])


def stake(hour: int) -> float:
    """Return Σ w up to an hour: ½, then ½/(j(j+1)) more at each hour j, which never exceeds 1.

    >>> [round(stake(hour), 3) for hour in (0, 1, 2, 23)]
    [0.5, 0.75, 0.833, 0.979]
    """
    return 1 - _FIRST_WEIGHT / (hour + 1)


def log_wealth_after(log_wealth: Floats, increments: Floats, *, staked: float, stake: float) -> Floats:
    """Return ln M_ψ after a tick: M_ψ ← (M_ψ + w)·e_ψ, w being what is staked from now on and was not before."""
    laid = np.logaddexp(log_wealth, math.log(stake - staked)) if stake > staked else log_wealth
    return np.asarray(laid + increments, dtype=np.float64)


def difference_terms(counts: Floats) -> tuple[Floats, Floats]:
    """Return numerator and denominator of the Mantel–Haenszel difference that [..., 4] counts add."""
    stable, candidate = counts[..., 0], counts[..., 2]
    requests = np.maximum(stable + candidate, 1.0)
    return (counts[..., 3] * stable - counts[..., 1] * candidate) / requests, stable * candidate / requests


def log_evidence(log_wealth: Floats, staked: float) -> Floats:
    """Return ln E of [..., ψ] wealths.

    >>> round(float(log_evidence(np.log([0.5, 0.5]), 0.5)), 12)
    0.0
    """
    largest = np.maximum(log_wealth.max(axis=-1), 0.0)
    mean = np.exp(log_wealth - largest[..., None]).mean(axis=-1)
    return np.asarray(largest + np.log(mean + (1 - staked) * np.exp(-largest)), dtype=np.float64)


def log_increments(counts: Floats, tolerance: float) -> Floats:
    """Return ln e_ψ of each tick: e_ψ = (ψ/ψ0)^xB · Z(ψ0)/Z(ψ) with Z(ψ) = Σ_j Hyp(j; N, K, nB)·ψ^j.

    The distribution's constant cancels, so that only ratios of neighbouring terms are needed: nothing overflows at
    ten million requests a tick.

    >>> increments = log_increments(np.array([[1.0, 0.0, 1.0, 1.0]]), 1.0)
    >>> round(math.exp(increments[0, 2]), 6)  # ψ = 2, Z = (1 + 2)/2
    1.333333

    Args:
        counts: [..., 4]: stable's requests and bad ones, the candidate's requests and bad ones.
        tolerance: ψ0.

    Returns:
        [..., ψ], for the odds ratios of `grid(tolerance)`.
    """
    log_ratios = np.log(np.concatenate([[tolerance], grid(tolerance)]))
    rows = counts.reshape(-1, 4)
    stable, candidate, bad = rows[:, 0], rows[:, 2], rows[:, 1] + rows[:, 3]
    lowest = np.maximum(0.0, bad - stable)
    terms = np.minimum(bad, candidate) - lowest + 1
    found = np.zeros((rows.shape[0], log_ratios.size - 1))
    edges = (1, 2, 4, 8, 16, 32, 64, _SUMMED_WHOLE)  # one term has no alternative: ln e = 0
    largest = terms.max(initial=0)
    for fewest, most in pairwise(edges):
        if largest <= fewest:
            break
        chosen = np.flatnonzero((terms > fewest) & (terms <= most))
        _in_chunks(found, rows, chosen, log_ratios, int(terms[chosen].max(initial=0)))
    if largest > _SUMMED_WHOLE:
        _in_chunks(found, rows, np.flatnonzero(terms > _SUMMED_WHOLE), log_ratios, None)
    return found.reshape(*counts.shape[:-1], log_ratios.size - 1)


def _in_chunks(
    found: Floats, rows: Floats, chosen: npt.NDArray[np.int64], log_ratios: Floats, width: int | None
) -> None:
    at_once = _ROWS_AT_ONCE if width else _ROWS_AT_ONCE // 16
    for start in range(0, chosen.size, at_once):
        chunk = chosen[start : start + at_once]
        part = rows[chunk]
        lowest = np.maximum(0.0, part[:, 1] + part[:, 3] - part[:, 0])
        if width:
            sums, origin = _log_sums_whole(part, lowest, log_ratios, width), lowest
        else:
            sums, origin = _log_sums_around_mode(part, log_ratios), np.zeros_like(lowest)
        moved = (part[:, 3] - origin)[:, None]
        found[chunk] = moved * (log_ratios[1:] - log_ratios[0]) + sums[:, :1] - sums[:, 1:]


def _log_sums_whole(rows: Floats, lowest: Floats, log_ratios: Floats, width: int) -> Floats:
    """Return ln Σ_i g_i·ψ^i, i counted from the lowest possible number of bad requests, g_0 = 1."""
    stable, candidate, bad = rows[:, 0, None], rows[:, 2, None], (rows[:, 1] + rows[:, 3])[:, None]
    j = lowest[:, None] + np.arange(width - 1)
    odds = np.maximum(bad - j, 0.0) * np.maximum(candidate - j, 0.0) / ((j + 1) * (stable - bad + j + 1))
    with np.errstate(divide="ignore"):
        steps = np.log(odds) + math.log(_SCALE)
    logs = np.concatenate([np.zeros((rows.shape[0], 1)), np.cumsum(steps, axis=1)], axis=1)
    largest = logs.max(axis=1, keepdims=True)
    powers = np.exp(np.outer(np.arange(width), log_ratios - math.log(_SCALE)))
    return np.asarray(np.log(np.exp(logs - largest) @ powers) + largest, dtype=np.float64)


def _log_sums_around_mode(rows: Floats, log_ratios: Floats) -> Floats:
    """Return ln Σ_j ψ^j/(j!(K−j)!(nB−j)!(nA−K+j)!), from points around each ψ's mode.

    Where a standard deviation spans many terms, one in every fifth of it is enough: what is left out of such a sum of
    a bell is exp(−2π²·25) of it (Poisson summation).
    """
    stable, candidate, bad = rows[:, 0, None], rows[:, 2, None], (rows[:, 1] + rows[:, 3])[:, None]
    ratios = np.exp(log_ratios)[None, :]
    linear = (bad + candidate) * ratios + stable - bad + 2
    constant = np.maximum(bad * candidate * ratios - (stable - bad + 1), 0.0)
    root = np.sqrt(np.maximum(linear**2 - 4 * (ratios - 1) * constant, 0.0))
    mode = 2 * constant / (linear + root)
    curvature = sum(
        1 / (np.maximum(cell, 0.0) + 0.5) for cell in (mode, bad - mode, candidate - mode, stable - bad + mode)
    )
    stride = np.maximum(1.0, np.ceil(1 / np.sqrt(curvature) / 5))
    j = np.rint(mode)[..., None] + stride[..., None] * np.arange(-_HALF_WINDOW, _HALF_WINDOW + 1)
    cells = (j, bad[..., None] - j, candidate[..., None] - j, (stable - bad)[..., None] + j)
    possible = np.logical_and.reduce([cell >= 0 for cell in cells])
    logs = j * log_ratios[None, :, None] - sum(_log_factorial(np.maximum(cell, 0.0)) for cell in cells)
    logs = np.where(possible, logs, -np.inf)
    largest = logs.max(axis=-1)
    total = np.log(np.exp(logs - largest[..., None]).sum(axis=-1))
    return np.asarray(largest + total + np.log(stride), dtype=np.float64)


_SMALL_LOG_FACTORIALS = np.array([math.lgamma(n + 1) for n in range(16)])


def _log_factorial(n: Floats) -> Floats:
    """Return ln n! by Stirling's series, which at n = 16 errs by 1e-14, and from a table below."""
    x = np.maximum(n, 16.0)
    inverse = 1 / x
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    large = (x + 0.5) * np.log(x) - x + 0.5 * math.log(2 * math.pi) + series
    return np.where(n < 16, _SMALL_LOG_FACTORIALS[np.minimum(n, 15).astype(np.int64)], large)
