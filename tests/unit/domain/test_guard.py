"""Guards: what is tolerable, and how the risk of a false alarm is shared out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.guard import DEFAULT_GUARDS, Guard, RolloutMetric, weights


@given(st.sets(st.sampled_from(RolloutMetric), min_size=1))
def test_the_weights_of_any_guards_sum_to_one(metrics: set[RolloutMetric]) -> None:
    """Whatever a policy guards, the risk of a false alarm is shared out whole, and every metric has some."""
    shares = weights([Guard(metric) for metric in metrics])
    assert sum(shares.values()) == pytest.approx(1)
    assert set(shares) == metrics
    assert all(share > 0 for share in shares.values())


def test_errors_take_what_nobody_declares() -> None:
    """The weight of an undeclared metric goes to errors."""
    outcome = Guard(RolloutMetric.OUTCOME)
    assert weights(DEFAULT_GUARDS)[RolloutMetric.ERRORS] == pytest.approx(0.75)
    assert weights([*DEFAULT_GUARDS, outcome])[RolloutMetric.ERRORS] == pytest.approx(0.55)
    assert weights([*DEFAULT_GUARDS, outcome, Guard(RolloutMetric.LABELS)])[RolloutMetric.LABELS] == pytest.approx(
        0.1
    )


@pytest.mark.parametrize("guards", [(), (Guard(RolloutMetric.ERRORS), Guard(RolloutMetric.ERRORS))])
def test_a_rollout_guards_something_and_nothing_twice(guards: tuple[Guard, ...]) -> None:
    """No guards, or two for a metric, are refused."""
    with pytest.raises(ValueError, match="each once"):
        weights(guards)


@pytest.mark.parametrize(("margin", "tolerance"), [(0.0, 1.2), (1.0, 1.2), (0.01, 0.9), (0.01, 300.0)])
def test_guards_out_of_range_are_refused(margin: float, tolerance: float) -> None:
    """A margin is a share; a tolerance is an odds ratio that some ratio of the grid exceeds."""
    with pytest.raises(ValueError, match="for errors is no"):
        Guard(RolloutMetric.ERRORS, margin, tolerance)


@pytest.mark.parametrize("weight", [0.0, -0.1, 1.1])
def test_a_difference_is_asked_for_at_a_weight(weight: float) -> None:
    """Without traffic no difference can be tolerable, so asking for one is refused."""
    with pytest.raises(ValueError, match="weight"):
        Guard(RolloutMetric.ERRORS).difference(weight)


def test_a_tiny_weight_tolerates_half_at_most() -> None:
    """A margin that a small weight would stretch past half of all requests stops there."""
    assert Guard(RolloutMetric.ERRORS, margin=0.03).difference(0.01) == 0.5
