"""Looking at a rollout: its state, and every look that was taken at it."""

from __future__ import annotations

import pytest

from serinus.domain.verdict import Verdict
from serinus.errors import EndpointNotFound, RolloutNotFound
from serinus.use_cases.describe_rollout import describe_rollout
from serinus.use_cases.list_rollouts import list_rollouts
from serinus.use_cases.roll_back import RollBack, roll_back
from tests.builders import FRAUD, World
from tests.unit.use_cases.steering import looking


def test_the_one_under_way_is_found_by_its_id_or_as_active() -> None:
    """With its looks in order."""
    world = World()
    rollout = world.canary()
    for _ in range(2):
        world.later(1)
        world.advance(rollout)
    described = describe_rollout(FRAUD, "active", looking=looking(world))
    assert described == describe_rollout(FRAUD, rollout, looking=looking(world))
    assert described.rollout == world.rollouts.get(FRAUD, rollout)
    assert [decision.verdict for decision in described.decisions] == [Verdict.HOLD] * 2
    assert described.decisions[0].at < described.decisions[1].at


def test_what_is_not_there_is_told_apart() -> None:
    """The endpoint, the rollout, or one under way."""
    world = World()
    rollout = world.canary()
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    assert describe_rollout(FRAUD, rollout, looking=looking(world)).rollout.outcome
    with pytest.raises(RolloutNotFound, match="under way"):
        describe_rollout(FRAUD, "active", looking=looking(world))
    with pytest.raises(RolloutNotFound, match="'v9'"):
        describe_rollout(FRAUD, "v9", looking=looking(world))
    with pytest.raises(EndpointNotFound):
        describe_rollout("frod", rollout, looking=looking(world))
    with pytest.raises(EndpointNotFound):
        list_rollouts("frod", at_most=9, looking=looking(world))


def test_rollouts_are_listed_from_the_latest_back() -> None:
    """As many as are wanted."""
    world = World()
    latest = world.canary()
    listed = list_rollouts(FRAUD, at_most=9, looking=looking(world))
    assert [rollout.model_version for rollout in listed] == [2, 1]
    assert [rollout.id for rollout in list_rollouts(FRAUD, at_most=1, looking=looking(world))] == [latest]
