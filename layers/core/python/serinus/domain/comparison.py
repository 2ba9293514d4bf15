"""Is a candidate worse than the stable model? Told by the rows that both have scored, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from serinus.domain.gates import Finding
from serinus.domain.held_out import RESAMPLES, HeldOutRows, Reals, interval_of, resampled
from serinus.domain.metric import Metric, MetricGate

_FALSE_ALARMS = 0.05  # of all comparisons of a validation together, both sides; a gate fails on one side only

_FEWEST_DRAWS_BEYOND = 10  # with fewer on either side, the draws do not tell where an interval ends


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

    @property
    def numbers(self) -> Mapping[str, float]:
        """The figures that a finding gives."""
        return {
            "value": self.candidate,
            "stable": self.stable,
            "difference": self.value,
            "low": self.low,
            "high": self.high,
        }


def confidence_of(family: int) -> float:
    """Return the confidence of each of so many intervals, for all of them to hold together at 95 % (Bonferroni).

    A gate fails where the *lower* end of how much worse a candidate is lies beyond its margin. So of validations of a
    candidate that is as good as stable everywhere, where no margin is given, at most 2.5 % fail, however many
    snapshots, metrics and slices are compared.

    >>> [round(confidence_of(family), 4) for family in (0, 1, 4, 50)]
    [0.95, 0.95, 0.9875, 0.999]
    """
    return 1 - _FALSE_ALARMS / max(1, family)


def level_of(family: int) -> str:
    """Say how far so many intervals can be trusted.

    >>> level_of(1), level_of(6)
    ('95 %', '95 % for all 6 comparisons together')
    """
    return "95 %" if family <= 1 else f"95 % for all {family} comparisons together"


def differences(
    rows: HeldOutRows, stable: Reals, threshold: float, *, seed: int, family: int = 1
) -> Mapping[Metric, Difference]:
    """Compare every metric on the same rows, by a paired bootstrap.

    The interval is that of the draws' percentiles. Where the confidence is so high that too few draws lie beyond them
    (three comparisons and more held together), it is the normal one, by the draws' standard deviation.

    Args:
        rows: what the candidate scored.
        stable: the stable model's scores of the same rows, [rows].
        threshold: where precision, recall, F1 and accuracy are taken.
        seed: of the draws.
        family: how many comparisons are to hold together.
    """
    ours, theirs = rows.answers(threshold), rows.answers(threshold, stable)
    candidate, live = ours.measured(), theirs.measured()
    if np.array_equal(rows.scores, stable):  # as every draw would say too
        return {metric: Difference(metric, value, value, 0.0, 0.0) for metric, value in live.items()}
    drawn = list(resampled([ours, theirs], rows.rows, seed=seed))
    return {
        metric: Difference(
            metric,
            candidate[metric],
            live[metric],
            *interval(
                candidate[metric] - live[metric],
                [one[metric] - other[metric] for one, other in drawn],
                confidence_of(family),
            ),
        )
        for metric in candidate
    }


def interval(value: float, drawn: Sequence[float] | Reals, confidence: float) -> tuple[float, float]:
    """Return the interval of a difference by its draws: of percentiles, or, beyond where they reach, the normal one.

    >>> draws = [number / 500 - 1 for number in range(1_000)]
    >>> [round(end, 2) for end in interval(0.0, draws, 0.95)], [round(end, 2) for end in interval(0.0, draws, 0.9999)]
    ([-0.95, 0.95], [-2.25, 2.25])

    Args:
        value: the difference itself.
        drawn: the draws of it.
        confidence: of the interval.
    """
    if (1 - confidence) / 2 * RESAMPLES >= _FEWEST_DRAWS_BEYOND:
        return interval_of(drawn, confidence)
    margin = NormalDist().inv_cdf((1 + confidence) / 2) * float(np.std(drawn))
    return value - margin, value + margin


def judge_difference(
    gate: MetricGate, found: Difference, *, stable: str, rows: int, of_version: int | None = None, family: int = 1
) -> Finding:
    """Hold a difference against the gate: it fails where all of the interval is worse than the gate's margin allows.

    Without a margin the difference is told and nothing is judged by it.

    >>> gate = MetricGate(Metric.ROC_AUC, minimum=0.7, worse_than_stable_by=0.01)
    >>> found = Difference(Metric.ROC_AUC, 0.71, 0.75, -0.05, -0.03)
    >>> judge_difference(gate, found, stable="version 3", rows=900).message
    'roc_auc is 0.7100 and 0.7500 with version 3 on the same 900 held-out rows: -0.0400 (95 %: -0.0500 to -0.0300), \
worse by more than 0.01 beyond chance: train a better model, or change worse_than_stable_by'

    Args:
        gate: the metric's.
        found: the difference.
        stable: what the stable model is called.
        rows: how many rows both scored.
        of_version: the earlier version whose held-out rows these are; `None` for the candidate's own.
        family: how many comparisons the interval was made to hold together with, this one included.
    """
    numbers = {**found.numbers, "rows": float(rows), "intervals": float(max(1, family))}
    name, whose = f"against_stable:{found.metric}", ""
    if of_version is not None:
        name, whose = f"{name}:rows_of_version_{of_version}", f" of version {of_version}"
    said = (
        f"{found.metric} is {found.candidate:.4f} and {found.stable:.4f} with {stable} on the same {rows} held-out "
        f"rows{whose}: {found.value:+.4f} ({level_of(family)}: {found.low:+.4f} to {found.high:+.4f}), "
    )
    margin = gate.worse_than_stable_by
    if margin is not None:
        numbers["margin"] = margin
        if found.worse_by[0] > margin:
            said += (
                f"worse by more than {margin:g} beyond chance: train a better model, or change worse_than_stable_by"
            )
            return Finding(name, passed=False, message=said, numbers=numbers)
    return Finding(name, passed=True, message=f"{said}{told(found)} beyond chance", numbers=numbers)


def told(found: Difference) -> str:
    """Say which of the two is better, where that is beyond chance."""
    least, most = found.worse_by
    return "worse" if least > 0 else "better" if most < 0 else "no difference"
