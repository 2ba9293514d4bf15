"""A person's roll-back: asked for by name, done by `roll_back`, at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.domain.ledger import Action
from serinus.domain.rollout import Outcome, Split
from serinus.domain.steering import Wish
from serinus.errors import EndpointNotFound, ReleaseNotFound, RevisionChanged, RolloutEnded, RolloutNotFound
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBackWish
from serinus.use_cases.request_roll_back import request_roll_back
from tests.builders import FRAUD, World, a_wish
from tests.unit.use_cases.steering import returning


def abort(world: World, named: str = "active") -> ReturnedTraffic:
    """Abort a rollout."""
    return request_roll_back(FRAUD, actor="ann", reason="complaints", abort=named, returning=returning(world))


def test_an_abort_returns_traffic_and_ends_the_rollout() -> None:
    """Before the answer is given; ledger and rollout say who and why."""
    world = World()
    rollout = world.canary()
    returned = abort(world)
    assert (returned.split, returned.rollout, returned.changed) == (Split(2), rollout, True)
    assert world.split() == Split(2)
    ended = world.rollouts.get(FRAUD, rollout)
    assert (ended.outcome, ended.reason) == (Outcome.ROLLED_BACK, "aborted: complaints")
    entry = world.entries()[-1]
    assert (entry.action, entry.actor) == (Action.ROLLOUT_ENDED, "ann")
    assert world.alarms.existing == {}


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.PROMOTE])
def test_an_abort_overrides_every_other_wish(wish: Wish) -> None:
    """Whatever is to happen at the next tick."""
    world = World()
    rollout = world.canary()
    stored = world.rollouts.get(FRAUD, rollout)
    world.rollouts.save(stored.steered(a_wish(wish)), replaced=stored)
    abort(world)
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    assert world.split() == Split(2)


def test_an_abort_twice_is_one() -> None:
    """The second has nothing to do, and goes back no further."""
    world = World()
    rollout = world.canary()
    abort(world, rollout)
    deeds = world.deeds()
    world.later(1)
    returned = abort(world, rollout)
    assert (returned.split, returned.changed) == (Split(2), False)
    assert world.deeds() == deeds


def test_an_abort_that_comes_late_leaves_the_next_rollout_alone() -> None:
    """It is meant for the rollout it names."""
    world = World()
    first = world.canary()
    abort(world)
    world.later(600)
    second = world.published("3")
    assert not abort(world, first).changed
    active = world.rollouts.active(FRAUD)
    assert active is not None
    assert active.id == second
    assert world.split().candidate is not None


def test_what_was_promoted_cannot_be_aborted() -> None:
    """Going back from there is a roll-back, which is asked for in other words."""
    world = World()
    rollout = world.canary()
    stored = world.rollouts.get(FRAUD, rollout)
    world.rollouts.save(stored.steered(a_wish(Wish.PROMOTE)), replaced=stored)
    world.advance(rollout)
    with pytest.raises(RolloutEnded, match="has ended as promoted"):
        abort(world, rollout)
    with pytest.raises(RolloutNotFound):
        abort(world)
    assert world.split() == Split(3)
    returned = request_roll_back(FRAUD, actor="ann", reason="complaints", returning=returning(world))
    assert (returned.split, world.split()) == (Split(2), Split(2))


def test_a_release_can_be_named() -> None:
    """Where it never was, nothing moves."""
    world = World()
    world.published("1")
    with pytest.raises(ReleaseNotFound):
        request_roll_back(FRAUD, actor="ann", reason="complaints", to=9, returning=returning(world))
    assert world.split() == Split(2)


class Racing:
    """`RollBacks` that lose a race a number of times."""

    def __init__(self, losses: int) -> None:
        self.losses = losses
        self.asked: list[RollBackWish] = []

    def ask(self, wanted: RollBackWish) -> ReturnedTraffic:
        """Lose, or say that it is done."""
        self.asked.append(wanted)
        if len(self.asked) <= self.losses:
            raise RevisionChanged("rollout 'v2'")
        return ReturnedTraffic(Split(2), wanted.rollout, True, wanted.reason)


def test_a_step_in_between_is_no_failure() -> None:
    """Somebody saved the rollout while it was being closed: it is asked again; but not for ever."""
    world = World()
    rollout = world.canary()
    racing = Racing(losses=2)
    ports = replace(returning(world), roll_backs=racing)
    assert request_roll_back(FRAUD, actor="ann", reason="why", abort=rollout, returning=ports).changed
    assert racing.asked == [RollBackWish(FRAUD, "ann", "aborted: why", rollout)] * 3
    with pytest.raises(RevisionChanged):
        request_roll_back(FRAUD, actor="ann", reason="why", returning=replace(ports, roll_backs=Racing(losses=99)))


def test_there_must_be_such_an_endpoint() -> None:
    """Nobody is asked about one that is not deployed."""
    with pytest.raises(EndpointNotFound):
        request_roll_back("frod", actor="ann", reason="why", returning=returning(World()))
