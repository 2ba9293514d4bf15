"""Starting a rollout: one at a time, of what was validated, once an execution."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from serinus.domain.rollout import Outcome, Split
from serinus.domain.signature import Signature
from serinus.errors import EndpointNotFound, ModelVersionNotFound
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.push_model import Following, Stage, follow_push
from serinus.use_cases.register_model import register_model
from serinus.use_cases.roll_back import RollBack, roll_back
from serinus.use_cases.start_rollout import Start, StartStatus, start_rollout
from serinus.use_cases.validate_model import validate_model
from tests.builders import FRAUD, PLAN, Died, World, a_holdout, a_manifest, a_policy, a_signature


def start(world: World, number: int = 1, execution: str = "e1", asked_at: datetime | None = None) -> Start:
    """Start a rollout."""
    return start_rollout(FRAUD, number, execution=execution, starting=world.starting, asked_at=asked_at)


def renamed() -> Signature:
    """Return a signature whose first input has another name."""
    signature = a_signature()
    return replace(signature, inputs=(replace(signature.inputs[0], name="values"), *signature.inputs[1:]))


def validated_as(world: World, signature: Signature) -> int:
    """Upload, register and validate a model of that signature; return its version's number."""
    manifest = replace(a_manifest(b"another", world.tables.write(a_holdout())), signature=signature)
    key = world.upload("upload-other", model=b"another", manifest=manifest)
    number = register_model(key, execution="other", registry=world.registry).version
    assert number is not None
    world.look_through(number)
    validate_model(FRAUD, number, validation=world.validation)
    return number


def promote(world: World, name: str) -> None:
    """Roll a model out to the end."""
    rollout = world.published(name)
    world.traffic.shift(FRAUD, Split(world.rollouts.get(FRAUD, rollout).candidate or 0))
    assert world.advance(rollout).outcome is Outcome.PROMOTED


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


def test_a_signature_that_callers_cannot_use_is_refused_on_record() -> None:
    """The reason says what differs and what to do; nothing is live but what was, and the lock is free."""
    world = World()
    world.published()
    world.later(60)
    number = validated_as(world, renamed())
    refused = start(world, number, "e2")
    assert refused.status is StartStatus.REFUSED
    assert "'values'" in refused.reason
    assert refused.reason.endswith("push it to an endpoint of its own")
    assert world.rollouts.active(FRAUD) is None
    assert world.split() == Split(2)
    (kept,) = [rollout for rollout in world.rollouts.list(FRAUD) if rollout.model_version == number]
    assert (kept.outcome, kept.reason) == (Outcome.FAILED, refused.reason)
    assert world.entries()[-1].details["reason"] == refused.reason
    assert world.event_names()[-1] == "RolloutFailed"
    assert start(world, number, "e2") == refused


def test_a_push_that_waits_for_a_refused_rollout_learns_why_at_once() -> None:
    """It neither waits for its timeout nor reports success."""
    world = World()
    world.published()
    world.later(60)
    refused = start(world, validated_as(world, renamed()), "e2")
    following = Following(world.versions, world.rollouts, world.traffic, world.clock, world.later)
    until = world.now + timedelta(hours=1)
    (progress,) = follow_push(FRAUD, "upload-other", until=until, following=following)
    assert (progress.stage, progress.reason, progress.finished) == (Stage.FAILED, refused.reason, True)


def test_the_first_release_may_have_any_signature() -> None:
    """It has no callers yet."""
    world = World()
    assert start(world, validated_as(world, renamed())).status is StartStatus.STARTED


def test_dying_while_refusing_changes_nothing_in_the_end() -> None:
    """The retry refuses as well, and that is recorded once."""
    for number in range(1, 5):
        world = World()
        world.published("1")
        world.later(60)
        other = validated_as(world, renamed())
        world.fate.die_after(number)
        with pytest.raises(Died):
            start(world, other, "e2")
        refused = start(world, other, "e2")
        assert refused.status is StartStatus.REFUSED, f"died after write {number}"
        assert refused.reason.endswith("push it to an endpoint of its own")
        assert world.rollouts.active(FRAUD) is None
        assert world.deeds().count(f"ended:{refused.rollout}") == 1


def test_what_waited_while_a_newer_version_went_live_is_superseded() -> None:
    """The older model does not take the newer one's place, and that is on record."""
    world = World()
    world.published("1")
    older = world.validated("2")
    asked_at = world.now
    world.later(60)
    promote(world, "3")
    world.later(60)
    refused = start(world, older, "e2", asked_at)
    assert refused.status is StartStatus.REFUSED
    assert refused.reason == "superseded by version 3, which was released meanwhile"
    assert world.rollouts.list(FRAUD)[-1].outcome is Outcome.FAILED


def test_an_older_version_that_is_asked_for_afterwards_is_rolled_out() -> None:
    """Pushing an older model again is a decision."""
    world = World()
    world.published("1")
    world.later(60)
    promote(world, "2")
    world.later(60)
    assert start(world, 1, "e3", world.now).status is StartStatus.STARTED


def test_a_newer_version_that_is_not_live_any_more_supersedes_nothing() -> None:
    """What was rolled back is no better than what waited."""
    world = World()
    world.published("1")
    older = world.validated("2")
    asked_at = world.now
    world.later(60)
    promote(world, "3")
    world.later(60)
    roll_back(RollBack(FRAUD, "bad", "ann"), conducting=world.conducting)
    assert start(world, older, "e2", asked_at).status is StartStatus.STARTED
