"""Starting a rollout: one at a time, of what was validated, once an execution."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from serinus.errors import EndpointNotFound, ModelVersionNotFound
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.start_rollout import Start, StartStatus, start_rollout
from tests.builders import FRAUD, PLAN, Died, World, a_policy


def start(world: World, number: int = 1, execution: str = "e1") -> Start:
    """Start a rollout."""
    return start_rollout(FRAUD, number, execution=execution, starting=world.starting)


def test_a_validated_version_starts_a_rollout_that_holds_the_lock() -> None:
    """The policy is pinned, and ledger and bus say so."""
    world = World()
    world.validated()
    started = start(world)
    assert started.status is StartStatus.STARTED
    active = world.rollouts.active(FRAUD)
    assert active is not None
    assert (active.id, active.policy, active.step) == (started.rollout, world.policy, -1)
    assert world.deeds()[-1] == f"started:{started.rollout}"
    assert world.event_names()[-1] == "RolloutStarted"


def test_the_policy_is_pinned_when_a_rollout_starts() -> None:
    """What is deployed later does not change a rollout under way."""
    world = World()
    rollout = world.started()
    world.deploy(a_policy(rollout=replace(PLAN, steps=(99,))))
    assert world.rollouts.get(FRAUD, rollout).policy.rollout.steps == (10, 50)


def test_the_same_execution_gets_the_same_rollout() -> None:
    """Again and again, from many threads, even where it has ended."""
    world = World()
    world.validated()
    with ThreadPoolExecutor(5) as pool:
        found = set(pool.map(lambda _: start(world), range(5)))
    assert len(found) == 1
    assert len(world.rollouts.list(FRAUD)) == 1
    assert [deed for deed in world.deeds() if deed.startswith("started:")] == [f"started:{found.pop().rollout}"]


def test_an_endpoint_with_a_rollout_under_way_is_busy() -> None:
    """The second waits, but seldom enough that a whole horizon fits into an execution's history."""
    world = World()
    world.started("1")
    number = world.validated("2")
    waiting = start(world, number, "e2")
    assert (waiting.status, waiting.rollout) == (StartStatus.BUSY, None)
    assert "is busy with rollout" in waiting.reason
    assert PLAN.horizon_seconds / waiting.wait_seconds <= 100
    assert waiting.wait_seconds >= PLAN.tick_seconds


def test_of_several_at_once_one_starts() -> None:
    """The lock is taken by one of five threads; the others are busy."""
    for _ in range(5):
        world = World()
        world.validated()
        with ThreadPoolExecutor(5) as pool:
            found = list(pool.map(lambda number: start(world, 1, f"e{number}").status, range(5)))  # noqa: B023 - used at once
        assert sorted(found) == ["busy"] * 4 + ["started"]
        assert len(world.rollouts.list(FRAUD)) == 1


def test_what_is_not_validated_is_refused() -> None:
    """A registered version is no candidate yet."""
    world = World()
    world.registered()
    refused = start(world)
    assert (refused.status, refused.reason) == (
        StartStatus.REFUSED,
        "version 1 is registered, not validated",
    )


def test_what_is_live_already_is_refused() -> None:
    """There is nothing to roll out, and the lock stays free."""
    world = World()
    world.published()
    assert start(world, 1, "another").reason == "version 1 is live already"
    assert world.rollouts.active(FRAUD) is None


def test_endpoint_and_version_must_exist() -> None:
    """Starting nothing, or nowhere, is an error."""
    world = World()
    with pytest.raises(ModelVersionNotFound):
        start(world)
    with pytest.raises(EndpointNotFound):
        start_rollout("nobody", 1, execution="e", starting=world.starting)


def test_dying_after_any_write_changes_nothing_in_the_end() -> None:
    """The retried execution holds the lock of the same rollout, recorded once."""
    for number in range(1, 5):
        world = World()
        world.validated()
        world.fate.die_after(number)
        with pytest.raises(Died):
            start(world)
        started = start(world)
        active = world.rollouts.active(FRAUD)
        assert active is not None
        assert active.id == started.rollout
        assert world.deeds()[2:] == [f"started:{started.rollout}"]
        publish_release(FRAUD, active.id, publishing=world.publishing)
