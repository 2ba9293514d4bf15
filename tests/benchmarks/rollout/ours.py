"""Rollouts as Serinus decides them, through the code that decides in production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from serinus.domain.evidence import Floats
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.simulated_rollouts import SimulatedRollouts
from tests.benchmarks.rollout.traffic import Traffic

_ALARM_REQUESTS, _ALARM_SHARE = 20, 0.5
_LAGS = (1, 2, 3)  # minutes by which logs are late, 30 to 180 s in whole ticks


class End(IntEnum):
    """How a simulated rollout ended."""

    UNDECIDED = 0
    PROMOTED = 1
    ROLLED_BACK = 2
    ALARM = 3


@dataclass(eq=False)
class Ends:
    """How many simulated rollouts ended; each [rollouts].

    Attributes:
        end: an `End`.
        tick: the tick after which it did.
        weighed: the candidate's requests that the decision rests on.
        served: those that it had answered by then.
        bad: how many of them were bad.
        furthest: the last step that was reached.
    """

    end: np.ndarray
    tick: np.ndarray
    weighed: Floats
    served: Floats
    bad: Floats
    furthest: np.ndarray

    @classmethod
    def none(cls, rollouts: int) -> Ends:
        """Return rollouts that have not ended."""
        zeros = np.zeros(rollouts)
        return cls(zeros.astype(int), zeros.astype(int), zeros.copy(), zeros.copy(), zeros.copy(), zeros.astype(int))

    def share(self, *ends: End) -> float:
        """Which share ended so."""
        return float(np.isin(self.end, ends).mean())


def simulate(
    traffic: Traffic,
    plan: Sequence[float],
    guards: Sequence[Guard],
    *,
    held: bool = False,
    alarms: bool = True,
    late: bool = True,
) -> Ends:
    """Roll out, minute by minute.

    Args:
        traffic: of all the rollouts.
        plan: the candidate's share of traffic at each step, ending with 1.
        guards: the policy's.
        held: whether the rollout stays at its first step for all its time, to see what it does when left alone.
        alarms: whether the hard alarm is there.
        late: whether counts come as late as logs do.
    """
    rollouts = traffic.rollouts
    state = SimulatedRollouts.at_start(plan, guards, rollouts, stable_past=traffic.day_before(guards))
    metrics = tuple(guard.metric for guard in guards)
    ends, alive = Ends.none(rollouts), np.arange(rollouts)
    lag = traffic.random.choice(_LAGS, rollouts) if late else np.zeros(rollouts, dtype=int)
    kept = max(_LAGS) + 1
    recent = {metric: np.zeros((kept, rollouts, 4)) for metric in metrics}
    moved = np.zeros(rollouts, dtype=bool)
    for tick in range(traffic.arrivals.shape[0]):
        counts = traffic.tick(tick, alive, state.weight, metrics)
        errors = counts[RolloutMetric.ERRORS]
        ends.served[alive] += errors[:, 2]
        ends.bad[alive] += errors[:, 3]
        for metric in metrics:
            recent[metric][tick % kept, alive] = np.where(moved[alive, None], 0.0, counts[metric])
        delivered = {metric: recent[metric][(tick - lag[alive]) % kept, alive] for metric in metrics}
        state = state.observed(delivered, hour=tick * traffic.minutes_a_tick // 60)
        alarm = alarms & (errors[:, 2] >= _ALARM_REQUESTS) & (errors[:, 3] > _ALARM_SHARE * errors[:, 2])
        convicted = state.convicted
        advancing = np.zeros_like(alarm) if held else state.proven & ~alarm
        promoted = advancing & (state.step == len(state.plan) - 2)
        over = alarm | convicted | promoted
        ends.end[alive] = np.select([convicted, alarm, promoted], [End.ROLLED_BACK, End.ALARM, End.PROMOTED], 0)
        ends.tick[alive] = tick
        ends.weighed[alive] = state.metrics[0].total[:, 2]  # by errors, as every request is
        moved[alive] = advancing
        state = state.advanced(advancing & ~promoted)
        ends.furthest[alive] = state.step + promoted
        if over.any():
            alive, state = alive[~over], state.kept(~over)
        if not alive.size:
            break
    return ends
