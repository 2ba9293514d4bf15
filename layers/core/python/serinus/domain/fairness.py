"""Are groups treated alike? Selection and error rates of the decisions by group, and whether their gap is chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.model_gates import FairnessRule
from serinus.domain.policy import Slicing
from serinus.domain.slices import slices_of
from serinus.domain.task import Task
from serinus.errors import DataRefused

_FALSE_ALARMS = 0.05  # of one rate and all pairs of groups together (Bonferroni)


class Rate(StrEnum):
    """A share of decisions that is compared between groups."""

    SELECTION = "selection_rate"
    TRUE_POSITIVE = "true_positive_rate"
    FALSE_POSITIVE = "false_positive_rate"

    @property
    def of(self) -> str:
        """What it is a share of."""
        return {Rate.SELECTION: "rows", Rate.TRUE_POSITIVE: "positives", Rate.FALSE_POSITIVE: "negatives"}[self]


@dataclass(frozen=True)
class GroupRate:
    """How many of a group's rows (positives, negatives) are flagged."""

    name: str
    flagged: int
    rows: int

    @property
    def value(self) -> float:
        """The share."""
        return self.flagged / self.rows


@dataclass(frozen=True)
class Gap:
    """The difference of two groups' rates, the higher one's less the lower one's, and its interval."""

    higher: GroupRate
    lower: GroupRate
    low: float
    high: float

    @property
    def value(self) -> float:
        """The difference."""
        return self.higher.value - self.lower.value


def rates(
    rate: Rate, groups: Mapping[str, npt.NDArray[np.intp]], rows: HeldOutRows, threshold: float
) -> Sequence[GroupRate]:
    """Count the decisions of each group; a row is flagged where its score reaches the threshold.

    Args:
        rate: which.
        groups: the positions of each group's rows.
        rows: labelled 0 or 1, and scored with chances.
        threshold: the operating threshold.
    """
    flagged = rows.scores >= threshold
    counted = {
        Rate.SELECTION: np.ones(rows.rows, dtype=bool),
        Rate.TRUE_POSITIVE: rows.labels == 1,
        Rate.FALSE_POSITIVE: rows.labels == 0,
    }[rate]
    return [
        GroupRate(name, int((flagged & counted)[positions].sum()), int(counted[positions].sum()))
        for name, positions in groups.items()
    ]


def gap_between(one: GroupRate, other: GroupRate, confidence: float) -> Gap:
    """Return the gap of two groups with Newcombe's hybrid score interval.

    Method 10 of Newcombe (1998), Interval estimation for the difference between independent proportions, Statistics
    in Medicine 17: Wilson's interval of each, squared and added. It holds with few rows, and at rates of 0 and 1.

    His first example, 56 of 70 against 48 of 80:

    >>> found = gap_between(GroupRate("a", 56, 70), GroupRate("b", 48, 80), 0.95)
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    higher, lower = (one, other) if one.value >= other.value else (other, one)
    (high_low, high_high), (low_low, low_high) = _wilson(higher, confidence), _wilson(lower, confidence)
    difference = higher.value - lower.value
    return Gap(
        higher,
        lower,
        difference - sqrt((higher.value - high_low) ** 2 + (low_high - lower.value) ** 2),
        difference + sqrt((high_high - higher.value) ** 2 + (lower.value - low_low) ** 2),
    )


def _wilson(rate: GroupRate, confidence: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    spread = z * sqrt(z * z + 4 * rate.flagged * (1 - rate.value))
    middle, double = 2 * rate.flagged + z * z, 2 * (rate.rows + z * z)
    return max((middle - spread) / double, 0.0), min((middle + spread) / double, 1.0)


def judge_fairness(rule: FairnessRule, rows: HeldOutRows, threshold: float) -> tuple[Finding, ...]:
    """Compare the groups' selection, true positive and false positive rates, one finding each.

    A rate fails where a gap is beyond the rule's limit and beyond chance: where the lower end of its interval is. The
    intervals of all pairs of groups hold together with 95 %. A group with fewer rows than the rule asks for is
    counted and not named. A model whose scores are no chances, as a regression's, decides nothing: that is told.

    Args:
        rule: by which column, with which limits.
        rows: as the model scored them.
        threshold: from where on a row is flagged.
    """
    name = f"fairness:{rule.column}"
    if rows.target.task is not Task.BINARY or rows.refused_scores is not None:
        message = (
            "fairness compares decisions, and there are none: it takes labels of 0 and 1, and one score between 0 "
            "and 1 a row; leave [[fairness]] out of this policy"
        )
        return (Finding(name, passed=not rule.judges, message=message),)
    try:
        groups = slices_of(Slicing(rule.column, rule.edges), rows.table, file=rows.file, declared="[[fairness]]")
    except DataRefused as refusal:
        return (Finding(name, passed=not rule.judges, message=str(refusal)),)
    limits = {
        Rate.SELECTION: rule.maximum_selection_rate_gap,
        Rate.TRUE_POSITIVE: rule.maximum_true_positive_rate_gap,
        Rate.FALSE_POSITIVE: rule.maximum_false_positive_rate_gap,
    }
    return tuple(
        _judged(rule, rate, rates(rate, groups, rows, threshold), limit=limit) for rate, limit in limits.items()
    )


def _judged(rule: FairnessRule, rate: Rate, found: Sequence[GroupRate], *, limit: float | None) -> Finding:
    name = f"fairness:{rule.column}:{rate}"
    enough = [group for group in found if group.rows >= rule.minimum_rows]
    few = len(found) - len(enough)
    numbers = {"groups": float(len(enough)), "too_few": float(few)}
    numbers |= {} if limit is None else {"limit": limit}
    lacking = f"{few} with fewer than {rule.minimum_rows} {rate.of}"
    if len(enough) < 2:
        message = f"{rate} by {rule.column}: too few rows to tell; of {len(found)} groups, {lacking}"
        return Finding(name, passed=True, message=message, numbers=numbers)
    confidence = 1 - _FALSE_ALARMS / len(list(combinations(enough, 2)))
    gaps = [gap_between(one, other, confidence) for one, other in combinations(enough, 2)]
    beyond = [gap for gap in gaps if limit is not None and gap.low > limit]
    widest = max(beyond or gaps, key=lambda gap: gap.value)
    said = (
        f"{rate} by {rule.column} lies {widest.value:.4f} apart ({widest.low:.4f} to {widest.high:.4f}): "
        f"{_group(widest.higher, rate)}, {_group(widest.lower, rate)}"
    )
    said += f"; {lacking} not judged" if few else ""
    numbers |= {"gap": widest.value, "low": widest.low, "high": widest.high}
    numbers |= {f"rate:{group.name}": group.value for group in enough}
    return Finding(name, passed=not beyond, message=said + _verdict(widest, limit), numbers=numbers)


def _group(group: GroupRate, rate: Rate) -> str:
    return f"{group.value:.4f} for {group.name!r} of {group.rows} {rate.of}"


def _verdict(widest: Gap, limit: float | None) -> str:
    if limit is None:
        return ""
    if widest.low > limit:
        return (
            f"; beyond the limit of {limit:g} and beyond chance: train a model that treats them alike, or change "
            "[[fairness]]"
        )
    if widest.value > limit:
        return f"; above the limit of {limit:g}, but too few rows to tell that from chance"
    return f"; within the limit of {limit:g}"
