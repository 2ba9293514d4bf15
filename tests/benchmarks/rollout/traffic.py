"""Requests to two releases: how many, and how many of them are bad, minute by minute, for many rollouts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from serinus.domain.evidence import Floats
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.stable_past import StablePast

MINUTES_A_DAY = 1_440
BASE_ERRORS = 0.005

# Shares that are bad by nature: 4xx, slower than 1.25 × p95 of log-normal latencies with σ = 0.5, a declared outcome.
_SHARES = {RolloutMetric.REFUSALS: 0.01, RolloutMetric.LATENCY: 0.0183, RolloutMetric.OUTCOME: 0.10}
_BURST_SHARE, _BURST_STARTS, _BURST_ENDS = 0.05, 1 / 120, 1 / 5


class Pattern(StrEnum):
    """How traffic and its errors vary."""

    STEADY = "steady"
    DAILY = "daily cycle"
    BURSTS = "shared bursts"


@dataclass(frozen=True)
class Candidate:
    """How a candidate differs from stable.

    Attributes:
        more_errors: the difference in the share of errors.
        colder: the odds ratio of a slow answer in the arm with less traffic: 1.16 where its latencies are 3 % longer
            throughout, 1.27 where they are 5 % longer.
    """

    more_errors: float = 0.0
    colder: float = 1.157


@dataclass(frozen=True)
class Cell:
    """One traffic to simulate: requests a minute, their pattern, and the candidate's first share of them."""

    rpm: float
    weight: float
    pattern: Pattern

    def __str__(self) -> str:
        return f"{self.rpm:g} rpm, {self.weight:.0%}, {self.pattern}"


@dataclass(eq=False)
class Traffic:
    """The traffic of many rollouts; each has its own phase of the day and its own bursts."""

    cell: Cell
    candidate: Candidate
    rollouts: int
    minutes: int
    random: np.random.Generator
    minutes_a_tick: int = 1
    base: float = BASE_ERRORS
    arrivals: Floats = field(init=False)
    errors: Floats = field(init=False)

    def __post_init__(self) -> None:
        ticks = -(-self.minutes // self.minutes_a_tick)
        shape = (ticks, self.rollouts)
        cycle = np.zeros(shape)
        self.errors = np.full(shape, self.base)
        if self.cell.pattern is Pattern.DAILY:
            phase = self.random.uniform(0, 2 * np.pi, self.rollouts)
            times = np.arange(ticks)[:, None] * self.minutes_a_tick
            cycle = np.sin(2 * np.pi * times / MINUTES_A_DAY + phase)
            self.errors = self.errors * (1 + 0.5 * cycle)
        if self.cell.pattern is Pattern.BURSTS:
            self.errors = self.errors + _BURST_SHARE * self._bursts(ticks)
        self.arrivals = self.cell.rpm * self.minutes_a_tick * (1 + 0.8 * cycle)

    def _bursts(self, ticks: int) -> Floats:
        bursting = np.zeros((ticks, self.rollouts))
        now = np.zeros(self.rollouts, dtype=bool)
        for tick in range(ticks):
            draw = self.random.random(self.rollouts)
            now = np.where(now, draw >= _BURST_ENDS, draw < _BURST_STARTS)
            bursting[tick] = now
        return bursting

    def day_before(self, guards: Sequence[Guard]) -> Mapping[RolloutMetric, tuple[float, float]]:
        """Return what stable did in the day before as a rollout takes it in: requests, and bad ones."""
        requests = round(self.cell.rpm * MINUTES_A_DAY)
        shares = {guard.metric: _SHARES.get(guard.metric, float(self.errors.mean())) for guard in guards}
        past = StablePast({metric: (requests, round(requests * share)) for metric, share in shares.items()})
        return {metric: (float(n), float(bad)) for metric, (n, bad) in past.lightened.items()}

    def tick(
        self, tick: int, under_way: np.ndarray, weight: Floats, metrics: tuple[RolloutMetric, ...]
    ) -> dict[RolloutMetric, Floats]:
        """Return [under way, 4] of each metric for one tick."""
        requests = self.random.poisson(self.arrivals[tick, under_way])
        to_candidate = self.random.binomial(requests, weight)
        to_stable = requests - to_candidate
        counts = {}
        for metric in metrics:
            stable_share, candidate_share = self._shares(metric, self.errors[tick, under_way], weight)
            counts[metric] = np.stack(
                [
                    to_stable,
                    self.random.binomial(to_stable, stable_share),
                    to_candidate,
                    self.random.binomial(to_candidate, candidate_share),
                ],
                axis=1,
            ).astype(np.float64)
        return counts

    def _shares(self, metric: RolloutMetric, errors: Floats, weight: Floats) -> tuple[Floats, Floats]:
        if metric is RolloutMetric.ERRORS:
            return errors, np.minimum(errors + self.candidate.more_errors, 1.0)
        share = _SHARES[metric]
        if metric is RolloutMetric.LATENCY:
            odds = share / (1 - share) * self.candidate.colder
            cold = odds / (1 + odds)
            return np.where(weight > 0.5, cold, share), np.where(weight < 0.5, cold, share)
        return np.full_like(errors, share), np.full_like(errors, share)
