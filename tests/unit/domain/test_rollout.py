"""A rollout's state: its steps, its ticks, its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.rollout import Outcome, Split
from serinus.domain.rollout_plan import RolloutPlan
from tests.builders import NOON, PLAN, a_rollout


def test_ticks_are_due_once_their_watermark_has_passed() -> None:
    """The tick in which the weight changed is dropped; the others come one after the other, each whole."""
    rollout = a_rollout().advanced(at=NOON)
    tick, watermark = PLAN.tick_seconds, PLAN.watermark_seconds
    begin = NOON + timedelta(seconds=tick)
    assert rollout.due_ticks(NOON + timedelta(seconds=2 * tick + watermark - 1)) == ()
    assert rollout.due_ticks(NOON + timedelta(seconds=2 * tick + watermark)) == (
        begin,
        begin + timedelta(seconds=tick),
    )
    assert len(rollout.due_ticks(NOON + timedelta(seconds=4.5 * tick + watermark))) == 4


def test_after_a_long_wait_ticks_come_a_transaction_at_a_time() -> None:
    """What was weighed at once is stored at once."""
    rollout = a_rollout().advanced(at=NOON)
    assert len(rollout.due_ticks(NOON + timedelta(days=2))) == 61
    assert a_rollout().due_ticks(NOON + timedelta(days=2)) == ()


@given(st.integers(0, 100_000))
def test_no_tick_is_due_twice_or_left_out(seconds: int) -> None:
    """Weighing up to the end of what was due makes the next begin just there."""
    rollout = a_rollout().advanced(at=NOON)
    now = NOON + timedelta(seconds=seconds)
    edges = rollout.due_ticks(now)
    if edges:
        later = replace(rollout, counted_until=edges[-1]).due_ticks(now + timedelta(seconds=PLAN.tick_seconds))
        assert later[0] == edges[-1]
        assert edges[-1] <= now - timedelta(seconds=PLAN.watermark_seconds)


def test_hours_count_from_the_start() -> None:
    """Evidence is staked anew each hour."""
    hours = [a_rollout().hour(NOON + timedelta(minutes=minutes)) for minutes in (-5, 0, 59, 60, 150)]
    assert hours == [0, 0, 0, 1, 2]


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
    splits, coming = [rollout.split], [rollout.next_percent]
    while not rollout.at_last_step:
        rollout = rollout.advanced(at=NOON)
        splits.append(rollout.split)
        coming.append(rollout.next_percent)
    assert coming == [5, 25, 50, 100]
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
