"""A rollout's state, and the table of its decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.policy import RolloutPlan
from serinus.domain.rollout import Decision, Evidence, Outcome, Split, Verdict, decide
from tests.builders import NOON, PLAN, a_rollout

# candidate's requests and failures, stable's, firing alarms, seconds counted; verdict, and part of the reason
CASES = [
    pytest.param(100, 0, 100, 0, (), 60, Verdict.ADVANCE, "0 of 100", id="healthy and baked"),
    pytest.param(100, 0, 100, 0, (), 59, Verdict.HOLD, "59 of 60 seconds", id="healthy, not baked"),
    pytest.param(19, 0, 900, 0, (), 600, Verdict.HOLD, "19 of 20 requests", id="too few requests"),
    pytest.param(0, 0, 0, 0, (), 600, Verdict.HOLD, "0 of 20 requests", id="no traffic at all"),
    pytest.param(0, 0, 0, 0, ("crashed",), -30, Verdict.ROLL_BACK, "hard alarm: crashed", id="alarm before anything"),
    pytest.param(100, 0, 100, 0, ("a", "b"), 60, Verdict.ROLL_BACK, "a, b", id="alarms beat good counts"),
    pytest.param(100, 6, 100, 0, (), 60, Verdict.ROLL_BACK, "6 of 100", id="more than the limit worse"),
    pytest.param(100, 6, 100, 0, (), 0, Verdict.ROLL_BACK, "6 of 100", id="worse, before it is baked"),
    pytest.param(100, 5, 100, 0, (), 60, Verdict.ADVANCE, "5 of 100", id="just at the limit"),
    pytest.param(100, 50, 100, 50, (), 60, Verdict.ADVANCE, "50 of 100", id="no worse than an ailing stable"),
    pytest.param(100, 1, 100, 60, (), 60, Verdict.ADVANCE, "60 of 100", id="the cure of an ailing stable"),
    pytest.param(19, 19, 100, 0, (), 60, Verdict.HOLD, "19 of 20", id="failing, but too few to say"),
    pytest.param(100, 0, 0, 0, (), 60, Verdict.ADVANCE, "0 of 0", id="stable without traffic"),
    pytest.param(100, 6, 0, 0, (), 60, Verdict.ROLL_BACK, "0 of 0", id="failing, stable without traffic"),
    pytest.param(100, 0, 100, 0, (), -30, Verdict.HOLD, "0 of 60 seconds", id="watermark before the step"),
]


@pytest.mark.parametrize(
    ("requests", "failures", "stable", "stable_failures", "firing", "seconds", "verdict", "reason"), CASES
)
def test_decisions(
    requests: int,
    failures: int,
    stable: int,
    stable_failures: int,
    firing: tuple[str, ...],
    seconds: int,
    verdict: Verdict,
    reason: str,
) -> None:
    """Every row of the table of cases is decided so, for the reason given."""
    decision = decide(
        a_rollout(step=0),
        stable=Evidence(stable, stable_failures),
        candidate=Evidence(requests, failures),
        firing=firing,
        counted_until=NOON + timedelta(seconds=seconds),
    )
    assert decision.verdict is verdict
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("candidate", "stable", "verdict", "reason"),
    [
        pytest.param(
            Evidence(100, 0, 100),
            Evidence(100, 0),
            Verdict.ROLL_BACK,
            "100 of 100 requests to the candidate were refused with a 4xx (100.0%), 0 of 100 to stable (0.0%): "
            "more than 5.0% worse",
            id="refuses everybody",
        ),
        pytest.param(Evidence(100, 0, 6), Evidence(100, 0), Verdict.ROLL_BACK, "6 of 100", id="more than the limit"),
        pytest.param(Evidence(100, 0, 5), Evidence(100, 0), Verdict.ADVANCE, "0 of 100", id="just at the limit"),
        pytest.param(Evidence(100, 0, 40), Evidence(50, 0, 20), Verdict.ADVANCE, "0 of 100", id="callers err alike"),
        pytest.param(Evidence(19, 0, 19), Evidence(100, 0), Verdict.HOLD, "19 of 20", id="too few to say"),
    ],
)
def test_refusals_are_compared_as_failures_are(
    candidate: Evidence, stable: Evidence, verdict: Verdict, reason: str
) -> None:
    """A candidate that answers 4xx where stable does not is no candidate, though nothing has failed."""
    decision = decide(
        a_rollout(step=0), stable=stable, candidate=candidate, firing=(), counted_until=NOON + timedelta(seconds=60)
    )
    assert decision.verdict is verdict
    assert reason in decision.reason


def test_a_rollout_without_a_step_cannot_be_decided_on() -> None:
    """Deciding before any traffic was shifted is a programming error."""
    with pytest.raises(ValueError, match="no step"):
        decide(a_rollout(), stable=Evidence(0, 0), candidate=Evidence(0, 0), firing=(), counted_until=NOON)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(-100, 1_000))
def test_more_failures_never_advance_a_rollout(
    requests: int, failures: int, stable: int, stable_failures: int, seconds: int
) -> None:
    """What is rolled back with some failures is not advanced with more."""

    def look(failed: int) -> Decision:
        return decide(
            a_rollout(step=0),
            stable=Evidence(stable, min(stable, stable_failures)),
            candidate=Evidence(requests, min(requests, failed)),
            firing=(),
            counted_until=NOON + timedelta(seconds=seconds),
        )

    if look(failures).verdict is Verdict.ROLL_BACK:
        assert look(failures + 1).verdict is Verdict.ROLL_BACK


def test_the_horizon_passes_when_it_is_reached() -> None:
    """At the very second it is over."""
    rollout = a_rollout(step=0)
    assert not rollout.horizon_passed(NOON + timedelta(seconds=PLAN.horizon_seconds - 1))
    assert rollout.horizon_passed(NOON + timedelta(seconds=PLAN.horizon_seconds))


@given(st.integers(1, 50), st.one_of(st.none(), st.integers(1, 50)), st.integers(-200, 200))
def test_a_split_names_a_candidate_just_where_it_gets_traffic(
    stable: int, candidate: int | None, percent: int
) -> None:
    """A candidate without traffic, traffic without a candidate, and shares outside of 1 to 99 cannot be made."""
    sound = (candidate is None and percent == 0) or (candidate is not None and 1 <= percent <= 99)
    if sound:
        assert Split(stable, candidate, percent).stable == stable
    else:
        with pytest.raises(ValueError, match="is no split"):
            Split(stable, candidate, percent)


def test_a_rollout_walks_its_steps() -> None:
    """Each step's split is the policy's, and the state before any step is all stable."""
    rollout = a_rollout(plan=RolloutPlan(steps=(5, 25, 50)))
    splits = [rollout.split]
    while not rollout.at_last_step:
        rollout = rollout.advanced(at=NOON)
        splits.append(rollout.split)
    assert splits == [Split(2), Split(2, 3, 5), Split(2, 3, 25), Split(2, 3, 50)]
    assert rollout.candidate_percent == 50


@pytest.mark.parametrize(("stable", "candidate"), [(None, 3), (2, None), (None, None)])
def test_without_two_releases_there_is_no_split(stable: int | None, candidate: int | None) -> None:
    """Asking where traffic should go before both releases are known is an error."""
    rollout = a_rollout(stable=stable, candidate=candidate)
    assert rollout.candidate_percent == 0
    with pytest.raises(ValueError, match="no two releases"):
        _ = rollout.split


def test_an_ended_rollout_stays_as_it_ended() -> None:
    """The first end counts."""
    ended = a_rollout(step=0).ended(Outcome.PROMOTED, "well", at=NOON)
    assert ended.ended(Outcome.FAILED, "late", at=NOON + timedelta(days=1)) == ended


def test_publishing_names_both_releases() -> None:
    """A rollout knows its releases once the candidate is published."""
    rollout = replace(a_rollout(), stable=None, candidate=None).published(stable=4, candidate=5)
    assert (rollout.stable, rollout.candidate) == (4, 5)
