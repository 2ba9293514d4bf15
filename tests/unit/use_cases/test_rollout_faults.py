"""What goes wrong around a rollout, each as it would: traffic ends on the right release, and the record says why.

What kills a function between two writes, moves the alias by hand, or rolls back in the middle of a step is tested
beside the use case it befalls: `test_advance_rollout`, `test_roll_back`, `test_publish_release`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serinus.domain.ledger import first_broken
from serinus.domain.rollout import Outcome, Split
from serinus.errors import ReleaseNotFound, RevisionChanged
from serinus.use_cases.roll_back import RollBack, roll_back
from tests.builders import FRAUD, PLAN, World


def served(world: World, *, failures: int = 0) -> None:
    """Let both releases serve for a tick, until it is due."""
    world.later(PLAN.tick_seconds)
    world.serve(2)
    world.serve(3, failures=failures)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)


def looked(world: World, rollout: str) -> None:
    """Look at a rollout as its execution does, which tries again where somebody else was quicker."""
    for _ in range(4):
        try:
            world.advance(rollout)
        except RevisionChanged:
            world.later(1)
        else:
            return
    raise AssertionError("four tries were not enough")


@pytest.mark.parametrize("failures", [0, 20])
def test_two_executions_at_once_are_as_good_as_one(failures: int) -> None:
    """After whichever write of one the other looks: each tick counts once, and traffic moves once."""
    alone = World()
    rollout = alone.canary()
    served(alone, failures=failures)
    looked(alone, rollout)
    for number in range(1, 10):
        world = World()
        rollout = world.canary()
        served(world, failures=failures)
        lost: list[RevisionChanged] = []
        world.fate.after_write(number, _other(world, rollout, lost))
        looked(world, rollout)
        where = f"the other looked after write {number}"
        assert world.split() == alone.split(), where
        assert world.rollouts.get(FRAUD, rollout).outcome == alone.rollouts.get(FRAUD, rollout).outcome, where
        assert world.deeds() == alone.deeds(), where
        weighed = [look.since for look in world.rollouts.decisions(FRAUD, rollout) if look.since]
        assert len(weighed) == len(set(weighed)) == 1, where
        assert first_broken(world.entries()) is None, where


def _other(world: World, rollout: str, lost: list[RevisionChanged]) -> Callable[[], None]:
    def look() -> None:
        world.later(1)
        try:
            world.advance(rollout)
        except RevisionChanged as error:
            lost.append(error)

    return look


def test_a_roll_back_whose_call_fails_three_times_comes_through_at_the_fourth() -> None:
    """As the state machine and Lambda's own retries ask again; what failed left nothing behind."""
    world = World()
    rollout = world.canary()
    wanted = RollBack(FRAUD, "an alarm", "alarm", release=3)
    deeds = world.deeds()
    shift = world.traffic.shift
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.traffic, "shift", _throttled)
        for _ in range(3):
            with pytest.raises(ConnectionError):
                roll_back(wanted, conducting=world.conducting)
            assert world.deeds() == deeds
            assert world.rollouts.active(FRAUD) is not None
    assert world.traffic.shift == shift
    assert roll_back(wanted, conducting=world.conducting).moved
    assert world.split() == Split(2)
    assert world.rollouts.get(FRAUD, rollout).outcome is Outcome.ROLLED_BACK
    assert world.rollouts.active(FRAUD) is None
    assert world.alarms.existing == {}


def _throttled(*_: object, **__: object) -> None:
    raise ConnectionError("throttled")


def test_a_candidate_whose_version_was_deleted_ends_the_rollout_on_stable() -> None:
    """The alias cannot be moved to it: the tick fails, and the state machine's roll-back takes all back."""
    world = World()
    rollout = world.canary()
    served(world)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.traffic, "shift", _deleted)
        with pytest.raises(ReleaseNotFound):
            world.advance(rollout)
    assert world.split() == Split(2, 3, 10)
    failed = RollBack(FRAUD, "the rollout itself failed", "rollout", rollout=rollout, outcome=Outcome.FAILED)
    roll_back(failed, conducting=world.conducting)
    assert world.split() == Split(2)
    state = world.rollouts.get(FRAUD, rollout)
    assert (state.outcome, state.reason) == (Outcome.FAILED, "the rollout itself failed")
    assert world.rollouts.active(FRAUD) is None


def _deleted(endpoint: str, split: Split, **_: object) -> None:
    raise ReleaseNotFound(endpoint, f"release {split.candidate}")


def test_what_was_weighed_before_a_failed_move_is_not_weighed_again() -> None:
    """A tick that could not move traffic has counted; the next look moves it on the same evidence."""
    world = World()
    rollout = world.canary()
    served(world)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.traffic, "shift", _throttled)
        with pytest.raises(ConnectionError):
            world.advance(rollout)
    weighed = world.rollouts.get(FRAUD, rollout).evidence
    world.later(1)
    world.advance(rollout)
    assert world.split() == Split(2, 3, 50)
    assert world.rollouts.get(FRAUD, rollout).evidence == weighed
