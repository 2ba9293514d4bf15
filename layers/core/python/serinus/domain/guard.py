"""What a rollout watches, how much worse is tolerable, and how the risk of a false alarm is shared out.

The policy declares guards, so this module imports none of it; nor numpy, without which policies are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

# How many times stable's odds of a bad request a worse candidate may have: what the evidence weighs against the null.
ODDS_RATIOS = (1.35, 1.6, 2.0, 2.5, 3.2, 4.2, 6.0, 9.0, 15.0, 30.0, 80.0, 300.0)

_LARGEST_DIFFERENCE = 0.5


class RolloutMetric(StrEnum):
    """What is counted as bad: each is a share of the requests (of the labels for `LABELS`).

    ERRORS: answered 5xx, or left no record. REFUSALS: answered 4xx. LATENCY: slower than the threshold that stable's
    past gave. OUTCOME: the binary outcome that the policy declares. LABELS: predictions that late labels prove wrong.
    """

    ERRORS = "errors"
    REFUSALS = "refusals"
    LATENCY = "latency"
    OUTCOME = "outcome"
    LABELS = "labels"


@dataclass(frozen=True)
class Guard:
    """How a policy guards one metric.

    Attributes:
        margin: κ, by how much worse the candidate may be as a share of *all* requests: 0.005 is half a percentage
            point once it serves all of them. At a weight w it is κ / w.
        tolerance: ψ0, the odds ratio of candidate to stable up to which nothing is rolled back.
        guards_promotion: whether a promotion waits for the proof that the candidate is within the margin.
    """

    metric: RolloutMetric
    margin: float = 0.005
    tolerance: float = 1.2
    guards_promotion: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise ValueError(f"a margin of {self.margin} for {self.metric} is no share between 0 and 1")
        if not 1 <= self.tolerance < ODDS_RATIOS[-1]:
            raise ValueError(
                f"a tolerance of {self.tolerance} for {self.metric} is no odds ratio of at least 1 and below "
                f"{ODDS_RATIOS[-1]:g}"
            )

    def difference(self, weight: float) -> float:
        """Return d = κ / w, the difference in shares that is tolerable when the candidate gets this weight.

        >>> guard = Guard(RolloutMetric.ERRORS, margin=0.005)
        >>> [round(guard.difference(weight), 4) for weight in (0.25, 0.5, 1.0)]
        [0.02, 0.01, 0.005]

        Args:
            weight: the candidate's share of traffic, in (0, 1].
        """
        if not 0 < weight <= 1:
            raise ValueError(f"a weight of {weight} is not in (0, 1]")
        return min(self.margin / weight, _LARGEST_DIFFERENCE)


DEFAULT_GUARDS = (
    Guard(RolloutMetric.ERRORS, margin=0.005, tolerance=1.0, guards_promotion=True),
    Guard(RolloutMetric.REFUSALS),
    Guard(RolloutMetric.LATENCY),
)

# Of the false alarms that a rollout may raise, the share that each metric gets.
_REFUSALS, _LATENCY, _TRUTH = 0.05, 0.2, 0.2


def weights(guards: Sequence[Guard]) -> Mapping[RolloutMetric, float]:
    """Share the risk of a false alarm among the guarded metrics: w_k with Σ w_k = 1, fixed when a rollout starts.

    Latency gets 0.2, labels or the declared outcome 0.2 (half each where both are guarded), refusals a twentieth: a
    candidate that rejects what stable accepts mostly rejects much of it, and is found in time with little. Errors get
    the rest, 0.55 with everything declared. Without errors the others share it in proportion.

    >>> {metric.value: round(weight, 3) for metric, weight in weights(DEFAULT_GUARDS).items()}
    {'errors': 0.75, 'refusals': 0.05, 'latency': 0.2}
    >>> {metric.value: weight for metric, weight in weights([Guard(RolloutMetric.LABELS)]).items()}
    {'labels': 1.0}
    """
    guarded = [guard.metric for guard in guards]
    if not guarded or len(set(guarded)) < len(guarded):
        raise ValueError("a rollout guards at least one metric, and each once")
    truths = len({RolloutMetric.OUTCOME, RolloutMetric.LABELS} & set(guarded))
    shares = {
        RolloutMetric.REFUSALS: _REFUSALS,
        RolloutMetric.LATENCY: _LATENCY,
        RolloutMetric.OUTCOME: _TRUTH / max(truths, 1),
        RolloutMetric.LABELS: _TRUTH / max(truths, 1),
    }
    others = sum(shares[metric] for metric in guarded if metric is not RolloutMetric.ERRORS)
    if RolloutMetric.ERRORS in guarded:
        return {metric: shares.get(metric, 1 - others) for metric in guarded}
    return {metric: shares[metric] / others for metric in guarded}
