"""Publishing: nothing unsigned and nothing that does not answer gets traffic."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.errors import RevisionChanged, RolloutNotFound
from serinus.use_cases.end_rollout import Progress
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.roll_back import RollBack, roll_back
from tests.builders import FRAUD, PLAN, Died, World


def publish(world: World, rollout: str) -> Progress:
    """Publish a rollout's candidate."""
    return publish_release(FRAUD, rollout, publishing=world.publishing)


def at_second_release() -> tuple[World, str]:
    """Return a world with release 2 live, and a rollout whose candidate will be release 3."""
    world = World()
    world.published("1")
    return world, world.started("2")


def test_the_first_release_goes_live_after_its_smoke_test() -> None:
    """There is nothing to compare it with: no step, no alarm; the lock is free again."""
    world = World()
    rollout = world.started()
    assert publish(world, rollout).outcome is Outcome.PROMOTED
    assert world.split() == Split(2)
    assert world.alarms.existing == {}
    assert world.rollouts.active(FRAUD) is None
    assert world.deeds()[2:] == [
        f"started:{rollout}",
        f"published:{rollout}",
        f"shifted:{rollout}:live",
        f"ended:{rollout}",
    ]
    assert world.event_names()[-2:] == ["TrafficShifted", "RolloutPromoted"]
    assert [release.number for release, _ in world.releases.probed] == [2]


def test_the_second_release_gets_its_first_step() -> None:
    """It has an alarm before it has traffic, and the first step's share."""
    world, rollout = at_second_release()
    seen: list[Split] = []
    world.fate.after_write(5, lambda: seen.append(world.split()))
    progress = publish(world, rollout)
    assert (progress.outcome, progress.wait_seconds) == (None, PLAN.tick_seconds)
    assert world.split() == Split(2, 3, 10)
    assert (FRAUD, 3) in world.alarms.existing
    state = world.rollouts.get(FRAUD, rollout)
    assert (state.stable, state.candidate, state.steps_begun) == (2, 3, (world.now,))


def test_publishing_again_changes_nothing() -> None:
    """Neither while the rollout goes on nor after its end."""
    world, rollout = at_second_release()
    publish(world, rollout)
    before = (world.split(), world.deeds())
    assert publish(world, rollout).outcome is None
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    deeds = world.deeds()
    assert publish(world, rollout).outcome is Outcome.ROLLED_BACK
    assert before[0] == Split(2, 3, 10)
    assert world.split() == Split(2)
    assert world.deeds() == deeds


@pytest.mark.parametrize("fault", ["publish", "probe", "unsigned", "forged", "swapped"])
def test_what_fails_is_never_given_traffic(fault: str) -> None:
    """The rollout ends as failed with the reason, the lock is free, and stable serves on."""
    world, rollout = at_second_release()
    version = world.versions.get(FRAUD, 2)
    if fault == "publish":
        world.releases.publish_failure = "the layer is too large"
    elif fault == "probe":
        world.releases.probe_failure = "it answered 500"
    elif fault == "unsigned":
        world.versions.record_validation(replace(version, attestation=None))
    elif fault == "forged":
        manifest = replace(version.manifest, lineage={"git": "f00"})
        world.versions.record_validation(replace(version, manifest=manifest))
    else:
        world.artifacts.put(f"models/fraud/{version.content_digest}/model.onnx", b"another model")
    progress = publish(world, rollout)
    assert progress.outcome is Outcome.FAILED
    assert any(said in progress.reason for said in ("too large", "answered 500", "attestation"))
    assert world.split() == Split(2)
    assert world.rollouts.active(FRAUD) is None
    assert world.event_names()[-1] == "RolloutFailed"
    assert [split for _, split in world.traffic.history] == [Split(2)]


def test_a_flaky_probe_after_the_shift_does_not_strand_traffic() -> None:
    """A try that died after it gave the candidate traffic is carried on, not failed with traffic left behind."""
    for number in range(1, 12):
        world, rollout = at_second_release()
        world.fate.die_after(number)
        try:
            publish(world, rollout)
        except Died:
            world.releases.probe_failure = "it is flaky"
            publish(world, rollout)
        active = world.rollouts.active(FRAUD)
        assert (world.split() == Split(2)) == (active is None), f"died after write {number}"


def test_traffic_that_goes_elsewhere_stops_the_rollout() -> None:
    """Where somebody has split the alias by hand, publishing does not overwrite it."""
    world, rollout = at_second_release()
    world.traffic.shift(FRAUD, Split(2, 1, 50))
    with pytest.raises(RevisionChanged, match="alias"):
        publish(world, rollout)


def test_there_must_be_such_a_rollout() -> None:
    """Publishing for no rollout is an error."""
    with pytest.raises(RolloutNotFound):
        publish(World(), "v9-none")


@pytest.mark.parametrize("first", [True, False])
def test_dying_after_any_write_changes_nothing_in_the_end(first: bool) -> None:
    """The retry leaves the same traffic, ledger, lock, alarms and releases as one that never died."""

    def prepared() -> tuple[World, str]:
        if not first:
            return at_second_release()
        world = World()
        return world, world.started()

    def outcome(world: World, rollout: str) -> object:
        return (
            world.split(),
            world.deeds(),
            world.rollouts.get(FRAUD, rollout),
            world.rollouts.active(FRAUD),
            world.alarms.existing,
            world.rollouts.releases(FRAUD),
        )

    unharmed, rollout = prepared()
    unharmed.fate.after_write(-1, lambda: None)
    publish(unharmed, rollout)
    for number in range(1, unharmed.fate.writes + 1):
        world, rollout = prepared()
        world.fate.die_after(number)
        with pytest.raises(Died):
            publish(world, rollout)
        publish(world, rollout)
        assert outcome(world, rollout) == outcome(unharmed, rollout), f"died after write {number}"


def test_a_roll_back_in_the_middle_leaves_no_traffic_and_no_alarm_behind() -> None:
    """Whenever a person rolls back while publishing runs, and its state machine tries again, stable serves alone."""
    for number in range(1, 12):
        world, rollout = at_second_release()
        world.fate.after_write(number, partial(_stop, world))
        try:
            publish(world, rollout)
        except RevisionChanged:
            publish(world, rollout)
        if world.rollouts.active(FRAUD) is None:
            assert world.split() == Split(2), f"rolled back after write {number}"
            assert world.alarms.existing == {}, f"rolled back after write {number}"
        assert _ledger_agrees(world), f"rolled back after write {number}"


def test_a_roll_back_before_the_first_shift_is_noticed_by_the_same_try() -> None:
    """The shift goes through, the save does not: traffic returns, and the answer is how the rollout ended."""
    world, rollout = at_second_release()
    save = world.rollouts.save
    saves: list[str] = []

    def save_then_stop(state: Rollout, replaced: Rollout) -> None:
        save(state, replaced=replaced)
        saves.append(state.id)
        if len(saves) == 1:
            _stop(world)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.rollouts, "save", save_then_stop)
        progress = publish(world, rollout)
    assert (progress.outcome, progress.reason) == (Outcome.ROLLED_BACK, "stop")
    assert (FRAUD, Split(2, 3, 10)) in world.traffic.history
    assert world.split() == Split(2)
    assert world.alarms.existing == {}
    assert _ledger_agrees(world)


def test_a_try_that_died_after_a_roll_back_is_cleared_up_by_the_next() -> None:
    """The next try finds the rollout ended, and traffic where the one before left it."""
    world, rollout = at_second_release()
    publish(world, rollout)
    _stop(world)
    world.traffic.shift(FRAUD, Split(2, 3, 10))
    world.alarms.create(FRAUD, 3, PLAN.alarm)
    assert publish(world, rollout).outcome is Outcome.ROLLED_BACK
    assert world.split() == Split(2)
    assert world.alarms.existing == {}
    assert _ledger_agrees(world)


def _stop(world: World) -> None:
    roll_back(RollBack(FRAUD, "stop", "ann"), conducting=world.conducting)


def _ledger_agrees(world: World) -> bool:
    """Whether the last move in the ledger is where traffic goes."""
    moves = [entry.details for entry in world.entries() if entry.action == "traffic_shifted"]
    last = moves[-1]
    split = world.split()
    return (last["stable"], last["candidate"], last["candidate_percent"]) == (
        split.stable,
        split.candidate,
        split.candidate_percent,
    )
