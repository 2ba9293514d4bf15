"""Following a deploy: what serves and has changed is rolled out once, with the model that is live."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.domain.rollout import Outcome, Split
from serinus.domain.rollout_plan import WhenBusy
from serinus.errors import EndpointNotFound
from serinus.use_cases.follow_deployment import Followed, follow_deployment
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.push_model import Following as FollowingPush
from serinus.use_cases.push_model import Stage, follow_push
from serinus.use_cases.register_model import register_model
from serinus.use_cases.roll_back import RollBack, roll_back
from serinus.use_cases.start_rollout import Start, StartStatus, start_rollout
from tests.builders import FRAUD, PLAN, Died, World, a_policy, a_runtime

_ARN = "arn:aws:states:eu-west-1:123456789012:execution:serinus-rollout"


def follow(world: World) -> Followed:
    """Follow the latest deploy."""
    return follow_deployment(FRAUD, following=world.following)


def start(world: World, name: str) -> Start:
    """Do what an execution does first."""
    asked = world.executions.started[name]
    return start_rollout(
        FRAUD,
        None,
        execution=f"{_ARN}:{name}",
        starting=world.starting,
        asked_at=world.now,
        deployment=str(asked["deployment"]),
    )


def redeployed() -> tuple[World, str]:
    """Return a world whose release 2 is live, with more memory deployed, and the execution that rolls it out."""
    world = World()
    world.published("1")
    world.later(60)
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=2048))
    name = follow(world).execution
    assert name is not None
    return world, name


def promote(world: World, rollout: str, stable: int, candidate: int) -> None:
    """Take a canary through all its steps."""
    while world.rollouts.active(FRAUD):
        world.later(PLAN.tick_seconds)
        for release in (stable, candidate):
            world.serve(release)
        world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
        world.advance(rollout)


def test_a_changed_runtime_is_rolled_out_with_the_live_model() -> None:
    """It is published, judged like any candidate, and promoted; the ledger says what changed."""
    world, name = redeployed()
    started = start(world, name)
    assert started.status is StartStatus.STARTED
    assert started.rollout is not None
    assert world.entries()[-1].details["changes"] == "memory 1024 → 2048 MB"
    publish_release(FRAUD, started.rollout, publishing=world.publishing)
    assert world.split() == Split(2, 3, 10)
    stable, candidate = world.rollouts.releases(FRAUD)
    assert stable.model_version == candidate.model_version == 1
    assert candidate.composition is not None
    assert candidate.composition.runtime == a_runtime(memory_mb=2048)
    promote(world, started.rollout, 2, 3)
    assert world.split() == Split(3)
    assert world.rollouts.get(FRAUD, started.rollout).outcome is Outcome.PROMOTED
    assert follow(world).reason == "nothing that serves has changed: release 3 is made of the same"


def test_a_bad_deploy_is_rolled_back() -> None:
    """Its failures are its own: stable, with the same model, keeps serving."""
    world, name = redeployed()
    rollout = start(world, name).rollout or ""
    publish_release(FRAUD, rollout, publishing=world.publishing)
    world.later(PLAN.tick_seconds)
    world.serve(2)
    world.serve(3, failures=25)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    assert world.split() == Split(2)
    again = follow(world)
    assert (again.execution, again.reason) == (None, "this deploy was rolled out before")


def test_a_doubled_event_starts_it_once() -> None:
    """The name follows from the deploy: while it runs it is the same one, and once it has ended it stays ended."""
    world, name = redeployed()
    assert follow(world).execution == name
    assert list(world.executions.started) == [name]
    world.executions.ended.add(name)
    assert follow(world) == Followed(FRAUD, None, "this deploy was followed before")


def test_the_same_runtime_deployed_anew_after_a_roll_back_is_tried_again() -> None:
    """Deploying is asking for it."""
    world, name = redeployed()
    rollout = start(world, name).rollout or ""
    publish_release(FRAUD, rollout, publishing=world.publishing)
    roll_back(RollBack(FRAUD, "bad", "ann"), conducting=world.conducting)
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=2048))
    again = follow(world).execution
    assert again not in {None, name}


def test_nothing_released_is_nothing_to_roll_out() -> None:
    """The first model brings what is deployed with it."""
    world = World()
    assert follow(world).reason == "nothing is released yet: it goes live with the first model"
    assert world.executions.started == {}


def test_what_does_not_serve_starts_nothing() -> None:
    """A deploy that writes the same runtime again."""
    world = World()
    world.published("1")
    world.deployments.deploy(FRAUD, a_runtime())
    assert follow(world).reason == "nothing that serves has changed: release 2 is made of the same"


def test_a_rollout_that_brings_it_already_is_left_to_it() -> None:
    """It began after the deploy, and pinned what was deployed."""
    world = World()
    world.published("1")
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=2048))
    rollout = world.started("2")
    assert follow(world).reason == f"rollout {rollout}, which is under way, brings it"


def test_a_deploy_waits_for_the_rollout_under_way_and_takes_the_model_that_won() -> None:
    """What was published before it keeps what was deployed then; the promoted model is not taken back."""
    world = World()
    world.published("1")
    world.later(600)
    model = world.published("2")
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=2048))
    name = follow(world).execution or ""
    assert start(world, name).status is StartStatus.BUSY
    promote(world, model, 2, 3)
    started = start(world, name)
    assert started.status is StartStatus.STARTED
    rollout = world.rollouts.get(FRAUD, started.rollout or "")
    assert rollout.model_version == 2
    assert rollout.composition is not None
    assert (rollout.composition.model_version, rollout.composition.runtime.memory_mb) == (2, 2048)
    brought = world.rollouts.release(FRAUD, 3)
    assert brought is not None
    assert brought.composition is not None
    assert brought.composition.runtime.memory_mb == 1024


def test_a_deploy_waits_where_the_policy_refuses_a_second_rollout() -> None:
    """A refused model can be pushed again; a deploy would be lost."""
    world = World(a_policy(rollout=replace(PLAN, when_busy=WhenBusy.REFUSE)))
    world.published("1")
    world.published("2")
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=2048))
    assert start(world, follow(world).execution or "").status is StartStatus.BUSY


def test_of_two_deploys_that_wait_the_later_is_rolled_out() -> None:
    """The earlier one is superseded, and ends quietly."""
    world, first = redeployed()
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=4096))
    second = follow(world).execution or ""
    assert start(world, first) == Start(FRAUD, StartStatus.REFUSED, reason="superseded by a later deploy")
    assert start(world, second).status is StartStatus.STARTED


def test_a_retry_with_the_lock_held_goes_on_although_more_was_deployed() -> None:
    """Its rollout has pinned what it brings; refusing would leave the lock with nobody."""
    world, name = redeployed()
    first = start(world, name)
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=4096))
    assert start(world, name) == first
    rollout = world.rollouts.get(FRAUD, first.rollout or "")
    assert rollout.composition is not None
    assert rollout.composition.runtime.memory_mb == 2048


def test_a_deploy_put_back_before_its_turn_ends_quietly() -> None:
    """What is live is made of the same by then."""
    world, _ = redeployed()
    world.deployments.deploy(FRAUD, a_runtime())
    name = "fraud-deploy-0"
    world.executions.start(name, {"deployment": world.deployments.current(FRAUD).id})
    refused = start(world, name)
    assert refused.reason == "nothing that serves has changed: release 2 is made of the same"
    assert world.rollouts.active(FRAUD) is None


def test_an_older_model_asked_for_is_not_superseded_by_a_deploy() -> None:
    """A person's wish for version 1 outlives a deploy that was rolled out with version 2 meanwhile."""
    world = World()
    world.published("1")
    world.later(600)
    promote(world, world.published("2"), 2, 3)
    asked_at = world.now
    world.later(60)
    world.deployments.deploy(FRAUD, a_runtime(memory_mb=2048))
    rollout = start(world, follow(world).execution or "").rollout or ""
    publish_release(FRAUD, rollout, publishing=world.publishing)
    promote(world, rollout, 3, 4)
    back = start_rollout(FRAUD, 1, execution="older", starting=world.starting, asked_at=asked_at)
    assert back.status is StartStatus.STARTED


def test_a_push_is_told_nothing_of_a_deploys_rollout() -> None:
    """The same model pushed again is live already, whatever becomes of a deploy that is rolled out with it."""
    world, name = redeployed()
    world.later(60)
    key = world.upload("again", model=b"model 1")
    register_model(key, execution="again", registry=world.registry)
    rollout = start(world, name).rollout or ""
    publish_release(FRAUD, rollout, publishing=world.publishing)
    roll_back(RollBack(FRAUD, "bad", "ann"), conducting=world.conducting)
    following = FollowingPush(world.versions, world.rollouts, world.traffic, world.clock, world.later)
    *_, progress = follow_push(FRAUD, "again", until=world.now, following=following)
    assert progress.stage is Stage.LIVE_ALREADY


def test_dying_after_any_write_starts_one_rollout() -> None:
    """The retry finds it."""
    for number in range(1, 4):
        world, name = redeployed()
        world.fate.die_after(number)
        with pytest.raises(Died):
            start(world, name)
        assert start(world, name).status is StartStatus.STARTED
        assert len(world.rollouts.list(FRAUD)) == 2


def test_an_endpoint_that_is_not_deployed_cannot_be_followed() -> None:
    """It is an error."""
    with pytest.raises(EndpointNotFound):
        follow_deployment("nobody", following=World().following)
