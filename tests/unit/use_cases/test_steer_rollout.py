"""Steering: what a person wishes is written down once, and heeded by the next tick."""

from __future__ import annotations

import pytest

from serinus.domain.ledger import Action, first_broken
from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.domain.steering import Wish
from serinus.errors import EndpointNotFound, HardAlarmFiring, RolloutEnded, RolloutNotFound
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.roll_back import RollBack, roll_back
from serinus.use_cases.steer_rollout import steer_rollout
from tests.builders import FRAUD, Died, World, a_wish
from tests.unit.use_cases.steering import guiding


def steer(
    world: World, wish: Wish, named: str = "active", *, actor: str = "ann", forced: bool = False, reason: str = "why"
) -> Rollout:
    """Wish something of a rollout."""
    return steer_rollout(FRAUD, named, wish, actor=actor, reason=reason, forced=forced, guiding=guiding(world))


@pytest.mark.parametrize(
    ("wish", "action", "event"),
    [
        (Wish.PAUSE, Action.ROLLOUT_PAUSED, "RolloutPaused"),
        (Wish.PROMOTE, Action.PROMOTION_REQUESTED, "PromotionRequested"),
    ],
)
def test_a_wish_is_stored_recorded_and_announced(wish: Wish, action: Action, event: str) -> None:
    """Under the name of who wishes it, with the reason; traffic is left alone."""
    world = World()
    rollout = world.canary()
    steered = steer(world, wish)
    assert steered.id == rollout
    assert world.rollouts.get(FRAUD, rollout) == steered
    entry = world.entries()[-1]
    assert (entry.action, entry.actor, entry.details["reason"]) == (action, "ann", "why")
    assert world.event_names()[-1] == event
    assert world.split() == Split(2, 3, 10)


def test_resuming_is_on_record_as_well() -> None:
    """By its own name; where nothing is paused there is nothing to record."""
    world = World()
    world.canary()
    before = world.deeds()
    steer(world, Wish.RESUME)
    assert world.deeds() == before
    steer(world, Wish.PAUSE)
    world.later(5)
    assert not steer(world, Wish.RESUME, actor="bob").paused
    assert [entry.action for entry in world.entries()[-2:]] == [Action.ROLLOUT_PAUSED, Action.ROLLOUT_RESUMED]
    assert world.entries()[-1].actor == "bob"


@pytest.mark.parametrize("wish", list(Wish))
def test_the_same_wish_twice_is_one_deed(wish: Wish) -> None:
    """Whoever wishes it again finds it done; the record keeps who was first."""
    world = World()
    world.canary()
    if wish is Wish.RESUME:
        steer(world, Wish.PAUSE)
    once = steer(world, wish)
    deeds = world.deeds()
    world.later(5)
    assert steer(world, wish, actor="bob") == once
    assert world.deeds() == deeds


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.PROMOTE])
def test_dying_after_any_write_is_made_good_by_asking_again(wish: Wish) -> None:
    """The wish stands or it does not; once asked again, it stands and is recorded once."""
    unharmed = World()
    unharmed.canary()
    unharmed.fate.after_write(-1, lambda: None)
    steer(unharmed, wish)
    for number in range(1, unharmed.fate.writes + 1):
        world = World()
        rollout = world.canary()
        world.fate.die_after(number)
        with pytest.raises(Died):
            steer(world, wish)
        steer(world, wish)
        assert world.rollouts.get(FRAUD, rollout).steering is not None, number
        assert world.deeds() == unharmed.deeds(), number
        assert first_broken(world.entries()) is None


def test_a_tick_in_between_loses_no_wish() -> None:
    """The wish is written onto whatever the tick has made of the rollout meanwhile."""
    world = World()
    rollout = world.canary()
    stored = world.rollouts.get(FRAUD, rollout)
    ticked = stored.advanced(at=world.now)
    looks: list[Rollout] = []

    def decide(seen: Rollout) -> Rollout:
        looks.append(seen)
        if len(looks) == 1:  # the tick comes between reading and writing
            world.rollouts.save(ticked, replaced=stored)
        return seen.steered(a_wish(Wish.PAUSE))

    changed = world.rollouts.change(FRAUD, rollout, decide)
    assert looks == [stored, ticked]
    assert (changed.step, changed.paused) == (1, True)


def test_no_promotion_while_an_alarm_fires() -> None:
    """Unless it is forced; nothing is written down of what was refused."""
    world = World()
    world.canary()
    world.alarms.fire(FRAUD, 3, "5 failures in a minute")
    deeds = world.deeds()
    with pytest.raises(HardAlarmFiring, match="5 failures in a minute"):
        steer(world, Wish.PROMOTE)
    assert world.deeds() == deeds
    assert steer(world, Wish.PROMOTE, forced=True).promoted_by_hand
    assert world.entries()[-1].details["forced"] is True


def test_a_rollout_that_has_ended_says_how() -> None:
    """By its id it is found; as the one under way there is none."""
    world = World()
    rollout = world.canary()
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    with pytest.raises(RolloutEnded, match="has ended as rolled_back: enough"):
        steer(world, Wish.PAUSE, rollout)
    with pytest.raises(RolloutNotFound, match="no rollout under way"):
        steer(world, Wish.PAUSE)


def test_a_promotion_that_was_carried_out_is_no_error() -> None:
    """The same wish delivered late finds what it wanted."""
    world = World()
    rollout = world.canary()
    steer(world, Wish.PROMOTE)
    world.advance(rollout)
    assert steer(world, Wish.PROMOTE, rollout).outcome is Outcome.PROMOTED
    with pytest.raises(RolloutEnded):
        steer(world, Wish.RESUME, rollout)


def test_before_its_candidate_is_published_a_rollout_can_be_steered() -> None:
    """It gets its first step, and is held there."""
    world = World()
    world.published("1")
    world.later(600)
    rollout = world.started("2")
    assert steer(world, Wish.PAUSE).candidate is None
    publish_release(FRAUD, rollout, publishing=world.publishing)
    assert world.rollouts.get(FRAUD, rollout).paused
    assert world.split() == Split(2, 3, 10)


def test_there_must_be_such_an_endpoint() -> None:
    """Nothing is looked up for one that is not deployed."""
    with pytest.raises(EndpointNotFound):
        steer_rollout("frod", "active", Wish.PAUSE, actor="ann", reason="why", guiding=guiding(World()))
