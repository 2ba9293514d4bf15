"""Many rollouts at once: what `judgement` does to one, along a leading axis.

For forecasts, and for the simulation that proves what a rollout promises. The evidence is computed by the very
functions that judge real traffic; what is added here is only which of the rollouts are still under way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from serinus.domain.evidence import (
    Floats,
    difference_terms,
    grid,
    log_evidence,
    log_increments,
    log_wealth_after,
    stake,
)
from serinus.domain.guard import Guard, RolloutMetric, weights
from serinus.domain.judgement import convicts, proves, suspects
from serinus.domain.promotion import log_promotion_increments

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MetricOfMany:
    """The evidence on one metric in each rollout.

    Attributes:
        log_wealth: [rollouts, ψ].
        differences: [3, 2, rollouts]: numerator and denominator overall, in this hour, in the hour before.
        total: [rollouts, 4], stable's past included.
        log_proof: [rollouts], of the step that each is in.
    """

    guard: Guard
    weight: float
    log_wealth: Floats
    staked: float
    hour: int
    differences: Floats
    total: Floats
    log_proof: Floats

    @classmethod
    def at_start(cls, guard: Guard, weight: float, rollouts: int, stable_past: tuple[float, float]) -> MetricOfMany:
        """Return the evidence before anything was counted."""
        return cls(
            guard,
            weight,
            np.full((rollouts, grid(guard.tolerance).size), np.log(stake(0))),
            stake(0),
            0,
            np.zeros((3, 2, rollouts)),
            np.tile([*stable_past, 0.0, 0.0], (rollouts, 1)),
            np.zeros(rollouts),
        )

    @property
    def log_e(self) -> Floats:
        """The logarithm of E in each rollout."""
        return log_evidence(self.log_wealth, self.staked)

    @property
    def excess(self) -> Floats:
        """By how much larger each candidate's share of bad requests is."""
        sums = np.stack([self.differences[0], self.differences[1] + self.differences[2]])
        return np.asarray((sums[:, 0] / np.maximum(sums[:, 1], 1e-12)).max(axis=0), dtype=np.float64)

    def observed(self, counts: Floats, *, hour: int, next_weight: Floats) -> MetricOfMany:
        """Return the evidence with a tick more, [rollouts, 4] and [rollouts]."""
        differences = self.differences
        if hour > self.hour:
            before = differences[1] if hour == self.hour + 1 else np.zeros_like(differences[1])
            differences = np.stack([differences[0], np.zeros_like(before), before])
        terms = np.stack(difference_terms(counts))
        proof = self.log_proof
        if self.guard.guards_promotion:
            difference = np.array([self.guard.difference(weight) for weight in np.unique(next_weight)])
            each = difference[np.searchsorted(np.unique(next_weight), next_weight)]
            proof = proof + log_promotion_increments(counts, self.total, each)
        increments = log_increments(counts, self.guard.tolerance)
        return replace(
            self,
            log_wealth=log_wealth_after(self.log_wealth, increments, staked=self.staked, stake=stake(hour)),
            staked=stake(hour),
            hour=hour,
            differences=differences + np.stack([terms, terms, np.zeros_like(terms)]),
            total=self.total + counts,
            log_proof=proof,
        )

    def kept(self, chosen: Mask) -> MetricOfMany:
        """Return the evidence in those rollouts alone."""
        return replace(
            self,
            log_wealth=self.log_wealth[chosen],
            differences=self.differences[..., chosen],
            total=self.total[chosen],
            log_proof=self.log_proof[chosen],
        )


@dataclass(frozen=True, eq=False)
class SimulatedRollouts:
    """Rollouts under way by the same plan.

    Attributes:
        plan: the candidate's share of traffic at each step, and 1 at the end.
        step: [rollouts].
    """

    plan: tuple[float, ...]
    step: npt.NDArray[np.int64]
    metrics: tuple[MetricOfMany, ...]

    @classmethod
    def at_start(
        cls,
        plan: Sequence[float],
        guards: Sequence[Guard],
        rollouts: int,
        *,
        shares: Mapping[RolloutMetric, float] | None = None,
        stable_past: Mapping[RolloutMetric, tuple[float, float]] | None = None,
    ) -> SimulatedRollouts:
        """Return that many rollouts at the first step.

        Args:
            plan: the candidate's share of traffic at each step, ending with 1.
            guards: those to simulate.
            rollouts: how many.
            shares: w_k, where the policy has more guards than are simulated.
            stable_past: for each metric what stable was asked before, and how much of it was bad.
        """
        shares, past = shares or weights(guards), stable_past or {}
        metrics = tuple(
            MetricOfMany.at_start(guard, shares[guard.metric], rollouts, past.get(guard.metric, (0.0, 0.0)))
            for guard in guards
        )
        return cls(tuple(plan), np.zeros(rollouts, dtype=np.int64), metrics)

    @property
    def weight(self) -> Floats:
        """The candidate's share of traffic in each rollout."""
        return np.array(self.plan)[self.step]

    @property
    def next_weight(self) -> Floats:
        """Its share should the rollout advance."""
        return np.array(self.plan)[np.minimum(self.step + 1, len(self.plan) - 1)]

    @property
    def convicted(self) -> Mask:
        """Which are to be rolled back."""
        found = [convicts(metric.log_e, metric.weight, metric.excess) for metric in self.metrics]
        return np.asarray(np.logical_or.reduce(found), dtype=np.bool_)

    @property
    def proven(self) -> Mask:
        """Which may advance."""
        guarding = [proves(metric.log_proof) for metric in self.metrics if metric.guard.guards_promotion]
        doubted = np.logical_or.reduce([suspects(metric.log_e, metric.weight) for metric in self.metrics])
        return np.asarray(np.logical_and.reduce(guarding) & ~doubted & ~self.convicted, dtype=np.bool_)

    def observed(self, counts: Mapping[RolloutMetric, Floats], *, hour: int) -> SimulatedRollouts:
        """Return the rollouts with a tick more; [rollouts, 4] of each metric."""
        return replace(
            self,
            metrics=tuple(
                metric.observed(counts[metric.guard.metric], hour=hour, next_weight=self.next_weight)
                for metric in self.metrics
            ),
        )

    def advanced(self, chosen: Mask) -> SimulatedRollouts:
        """Return the rollouts with those one step further, where the proof begins anew."""
        return replace(
            self,
            step=self.step + chosen,
            metrics=tuple(
                replace(metric, log_proof=np.where(chosen, 0.0, metric.log_proof)) for metric in self.metrics
            ),
        )

    def kept(self, chosen: Mask) -> SimulatedRollouts:
        """Return those alone."""
        return replace(self, step=self.step[chosen], metrics=tuple(metric.kept(chosen) for metric in self.metrics))
