"""Fairness: gaps between groups are found where they are, agree with others' figures, and are no chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]  # ships no types
from sklearn.metrics import confusion_matrix

from serinus.domain.fairness import GroupRate, Rate, gap_between, judge_fairness, rates
from serinus.domain.held_out import HeldOutRows
from serinus.domain.model_gates import FairnessRule
from serinus.domain.policy import Slicing
from serinus.domain.slices import slices_of
from serinus.domain.table import Table
from serinus.domain.task import Target, Task
from tests.builders import an_object_column


def decided(chances: dict[str, float], rows: int, *, seed: int = 0) -> HeldOutRows:
    """Return rows of groups that are flagged with these chances, whatever their labels."""
    chance = np.random.default_rng(seed)
    names = [name for name in chances for _ in range(rows)]
    flagged = chance.random(len(names)) < np.repeat(list(chances.values()), rows)
    labels = (chance.random(len(names)) < 0.4).astype(np.float64)
    return HeldOutRows(
        "holdout.parquet", Table({"sex": an_object_column(names)}), labels, np.where(flagged, 0.9, 0.1)
    )


def test_rates_are_those_of_scikit_learn() -> None:
    """Selection, true positive and false positive rates of each group, from its confusion matrix."""
    chance = np.random.default_rng(4)
    rows = decided({"f": 0.3, "m": 0.5}, 500)
    rows = HeldOutRows(rows.file, rows.table, rows.labels, chance.random(rows.rows))
    groups = slices_of(Slicing("sex"), rows.table, file="f")
    found = {rate: {each.name: each.value for each in rates(rate, groups, rows, 0.6)} for rate in Rate}
    for name, positions in groups.items():
        labels, flagged = rows.labels[positions], rows.scores[positions] >= 0.6
        (right, alarms), (missed, hits) = confusion_matrix(labels, flagged).tolist()
        assert found[Rate.SELECTION][name] == pytest.approx((hits + alarms) / len(positions))
        assert found[Rate.TRUE_POSITIVE][name] == pytest.approx(hits / (hits + missed))
        assert found[Rate.FALSE_POSITIVE][name] == pytest.approx(alarms / (alarms + right))


# Newcombe (1998), table II, method 10: (a), (b) and what is above and below their difference.
NEWCOMBE = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]


@pytest.mark.parametrize(("one", "other", "expected"), NEWCOMBE)
def test_the_interval_is_the_published_one(
    one: tuple[int, int], other: tuple[int, int], expected: tuple[float, float]
) -> None:
    """Digit for digit, at rates of 0 and 1 too."""
    gap = gap_between(GroupRate("a", *one), GroupRate("b", *other), 0.95)
    assert (round(gap.low, 4), round(gap.high, 4)) == expected


@st.composite
def counted(draw: st.DrawFn) -> GroupRate:
    """Return so many of so many."""
    rows = draw(st.integers(1, 5_000))
    return GroupRate("g", draw(st.integers(0, rows)), rows)


@given(one=counted(), other=counted(), confidence=st.floats(0.5, 0.999))
def test_an_interval_holds_the_gap_and_agrees_with_scipy(one: GroupRate, other: GroupRate, confidence: float) -> None:
    """Whichever group comes first; its ends are made of SciPy's Wilson intervals."""
    assume(one.value != other.value)
    gap = gap_between(one, other, confidence)
    turned = gap_between(other, one, confidence)
    assert (gap.low, gap.high) == (turned.low, turned.high)
    assert -1 <= gap.low <= gap.value <= gap.high <= 1 + 1e-9
    high, low = (
        binomtest(each.flagged, each.rows).proportion_ci(confidence, method="wilson")
        for each in (gap.higher, gap.lower)
    )
    below = np.hypot(gap.higher.value - high.low, low.high - gap.lower.value)
    assert gap.low == pytest.approx(gap.value - below, abs=1e-9)


def selection(rule: FairnessRule, rows: HeldOutRows) -> tuple[bool, str]:
    """Return what the finding on selection rates says."""
    (found,) = [finding for finding in judge_fairness(rule, rows, 0.5) if finding.gate.endswith("selection_rate")]
    return found.passed, found.message


def test_a_gap_beyond_the_limit_and_beyond_chance_fails() -> None:
    """The widest pair is named, with rates and rows."""
    rule = FairnessRule("sex", maximum_selection_rate_gap=0.1)
    passed, said = selection(rule, decided({"a": 0.5, "b": 0.45, "c": 0.1}, 400))
    assert not passed
    assert "for 'a' of 400 rows" in said
    assert "for 'c' of 400 rows" in said
    assert "beyond the limit of 0.1 and beyond chance" in said


def test_a_gap_above_the_limit_that_chance_explains_passes_and_says_so() -> None:
    """Forty rows a group tell little."""
    rows = HeldOutRows(
        "f",
        Table({"sex": an_object_column(["f"] * 40 + ["m"] * 40)}),
        np.tile([0.0, 1.0], 40),
        np.array([0.9] * 10 + [0.1] * 30 + [0.9] * 16 + [0.1] * 24),
    )
    passed, said = selection(FairnessRule("sex", maximum_selection_rate_gap=0.1), rows)
    assert passed
    assert "too few rows to tell that from chance" in said


def test_a_gap_is_told_where_there_is_no_limit() -> None:
    """And nothing is judged by it."""
    passed, said = selection(FairnessRule("sex"), decided({"f": 0.1, "m": 0.9}, 100))
    assert passed
    assert "limit" not in said


@pytest.mark.parametrize("groups", [2, 5])
def test_chance_alone_fails_no_more_often_than_promised(groups: int) -> None:
    """Even at a limit of nothing: five in a hundred, however many pairs of groups there are."""
    rule = FairnessRule("sex", maximum_selection_rate_gap=0.0)
    alike = {f"g{number}": 0.3 for number in range(groups)}
    failed = [not selection(rule, decided(alike, 120, seed=seed))[0] for seed in range(400)]
    assert 0 < np.mean(failed) < 0.075


def test_error_rates_are_judged_by_their_own_limits() -> None:
    """Positives of one group missed: the true positive rate fails, the others pass."""
    chance = np.random.default_rng(1)
    names = an_object_column(["f"] * 600 + ["m"] * 600)
    labels = (chance.random(1_200) < 0.5).astype(np.float64)
    scores = np.where(labels == 1, np.where(names == "f", 0.1, 0.9), 0.1)
    rule = FairnessRule("sex", maximum_true_positive_rate_gap=0.2, maximum_false_positive_rate_gap=0.2)
    found = judge_fairness(rule, HeldOutRows("f", Table({"sex": names}), labels, scores), 0.5)
    assert {finding.gate: finding.passed for finding in found} == {
        "fairness:sex:selection_rate": True,
        "fairness:sex:true_positive_rate": False,
        "fairness:sex:false_positive_rate": True,
    }
    assert "positives" in found[1].message


def test_a_small_group_is_counted_and_not_named() -> None:
    """Its name might be somebody's; its rate would say nothing."""
    names = ["f"] * 100 + ["m"] * 100 + ["only one"]
    rows = HeldOutRows("f", Table({"sex": an_object_column(names)}), np.tile([0.0, 1.0, 1.0], 67), np.full(201, 0.9))
    finding = judge_fairness(FairnessRule("sex", maximum_selection_rate_gap=0.01), rows, 0.5)[0]
    assert finding.passed
    assert "1 with fewer than 30 rows not judged" in finding.message
    assert "only one" not in finding.message + "".join(finding.numbers)


def test_one_group_alone_says_that_there_are_too_few_rows() -> None:
    """There is nothing to compare it with."""
    passed, said = selection(FairnessRule("sex", maximum_selection_rate_gap=0.0), decided({"f": 0.5}, 100))
    assert passed
    assert "too few rows to tell" in said


@pytest.mark.parametrize("limit", [None, 0.1])
def test_a_column_that_is_not_there_fails_only_what_has_a_limit(limit: float | None) -> None:
    """A demand that cannot be looked at is not met."""
    rule = FairnessRule("race", maximum_selection_rate_gap=limit)
    (finding,) = judge_fairness(rule, decided({"f": 0.5}, 50), 0.5)
    assert finding.passed is (limit is None)
    assert "has no column 'race'" in finding.message
    assert "change [[fairness]]" in finding.message


@pytest.mark.parametrize("labels", [[0.0, 1.0], [17.5, 20.0]])
def test_scores_that_decide_nothing_have_no_fairness(labels: Sequence[float]) -> None:
    """A regression has no selection rate: that is said, and fails where one was limited."""
    rows = HeldOutRows(
        "f", Table({"sex": an_object_column(["f", "m"] * 50)}), np.tile(labels, 50), np.tile([12.0, 30.0], 50)
    )
    (finding,) = judge_fairness(FairnessRule("sex", maximum_selection_rate_gap=0.1), rows, 15.0)
    assert not finding.passed
    assert "compares decisions, and there are none" in finding.message
    assert judge_fairness(FairnessRule("sex"), rows, 15.0)[0].passed


def test_chances_of_classes_have_no_fairness_either() -> None:
    """Which of them would be selected?"""
    scores = np.tile([[0.2, 0.8], [0.6, 0.4]], (50, 1))
    table, target = Table({"sex": an_object_column(["f", "m"] * 50)}), Target(Task.MULTICLASS, ("a", "b"))
    rows = HeldOutRows("f", table, np.tile([0.0, 1.0], 50), scores, target)
    (finding,) = judge_fairness(FairnessRule("sex", maximum_selection_rate_gap=0.1), rows, 0.5)
    assert not finding.passed
