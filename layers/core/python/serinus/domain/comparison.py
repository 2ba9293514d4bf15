"""Is a candidate worse than the stable model? Told by the rows that both have scored, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Reals, interval_of, resampled
from serinus.domain.policy import Metric, MetricGate
from serinus.domain.profile import CHANCES
from serinus.domain.quality import measure, score_table

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """A metric of the candidate and of stable, and the interval of candidate less stable."""

    metric: Metric
    candidate: float
    stable: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """Candidate less stable."""
        return self.candidate - self.stable

    @property
    def worse_by(self) -> tuple[float, float]:
        """The interval of how much worse the candidate is, whichever way the metric is better."""
        return (self.low, self.high) if self.metric.lower_is_better else (-self.high, -self.low)


def differences(rows: HeldOutRows, stable: Reals, threshold: float, *, seed: int) -> Mapping[Metric, Difference]:
    """Compare every metric on the same rows, by a paired bootstrap.

    Args:
        rows: what the candidate scored.
        stable: the stable model's scores of the same rows, [rows].
        threshold: where precision, recall, F1 and accuracy are taken.
        seed: of the draws.
    """
    both = (rows.scores, stable)
    if np.array_equal(*both):  # as every draw would say too
        return {
            metric: Difference(metric, value, value, 0.0, 0.0)
            for metric, value in measure(score_table(CHANCES, stable, rows.labels), threshold).items()
        }
    candidate, live = (measure(score_table(CHANCES, each, rows.labels), threshold) for each in both)
    drawn = list(resampled(both, rows.labels, threshold, seed=seed))
    return {
        metric: Difference(
            metric,
            candidate[metric],
            live[metric],
            *interval_of([ours[metric] - theirs[metric] for ours, theirs in drawn], CONFIDENCE),
        )
        for metric in candidate
    }


def judge_difference(gate: MetricGate, found: Difference, *, stable: str, rows: int) -> Finding:
    """Hold a difference against the gate: it fails where all of the interval is worse than the gate's margin allows.

    Without a margin the difference is told and nothing is judged by it.

    >>> gate = MetricGate(Metric.ROC_AUC, minimum=0.7, worse_than_stable_by=0.01)
    >>> found = Difference(Metric.ROC_AUC, 0.71, 0.75, -0.05, -0.03)
    >>> judge_difference(gate, found, stable="version 3", rows=900).message
    'roc_auc is 0.7100 and 0.7500 with version 3 on the same 900 held-out rows: -0.0400 (95 %: -0.0500 to -0.0300), \
worse by more than 0.01 beyond chance: train a better model, or change worse_than_stable_by'
    """
    least, most = found.worse_by
    numbers = {
        "value": found.candidate,
        "stable": found.stable,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "rows": float(rows),
    }
    said = (
        f"{found.metric} is {found.candidate:.4f} and {found.stable:.4f} with {stable} on the same {rows} held-out "
        f"rows: {found.value:+.4f} ({CONFIDENCE * 100:.0f} %: {found.low:+.4f} to {found.high:+.4f}), "
    )
    name, margin = f"against_stable:{found.metric}", gate.worse_than_stable_by
    if margin is not None:
        numbers["margin"] = margin
        if least > margin:
            said += (
                f"worse by more than {margin:g} beyond chance: train a better model, or change worse_than_stable_by"
            )
            return Finding(name, passed=False, message=said, numbers=numbers)
    told = "worse" if least > 0 else "better" if most < 0 else "no difference"
    return Finding(name, passed=True, message=f"{said}{told} beyond chance", numbers=numbers)
