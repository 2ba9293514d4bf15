"""Rolling back: at once, whatever else is going on, and never forth to what was bad."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest

from serinus.domain.ledger import what_was_live
from serinus.domain.rollout import Outcome, Split
from serinus.errors import ReleaseNotFound, RolloutNotFound
from serinus.use_cases.end_rollout import settle
from serinus.use_cases.publish_release import publish_release
from serinus.use_cases.roll_back import RollBack, RolledBack, roll_back
from tests.builders import FRAUD, PLAN, Died, World, built_once


def back(
    world: World,
    *,
    release: int | None = None,
    rollout: str | None = None,
    to: int | None = None,
    outcome: Outcome = Outcome.ROLLED_BACK,
    leaving: int | None = None,
) -> RolledBack:
    """Roll back, a second later."""
    world.later(1)
    wanted = RollBack(FRAUD, "it is bad", "ann", release, rollout, to, outcome, leaving=leaving)
    return roll_back(wanted, conducting=world.conducting)


@built_once
def with_releases(count: int) -> World:
    """Return a world whose releases 2, 3, … were each promoted in turn; the last one is live."""
    world = World()
    world.published("1")
    for number in range(2, count + 1):
        promote(world, world.published(str(number)), number)
    return world


def promote(world: World, rollout: str, stable: int) -> None:
    """Take a canary through all its steps."""
    while world.rollouts.active(FRAUD):
        world.later(PLAN.tick_seconds)
        for release in (stable, stable + 1):
            world.serve(release)
        world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
        world.advance(rollout)


def recorded(world: World) -> Split:
    """Return where the ledger says traffic goes."""
    last = what_was_live(world.entries())[-1]
    return Split(last.stable, last.candidate, last.candidate_percent)


def test_an_alarm_in_the_middle_of_a_step_returns_all_traffic() -> None:
    """One move; the rollout ends as rolled back, its alarm goes, the lock is free."""
    world = World()
    rollout = world.canary()
    found = back(world, release=3)
    assert (found.moved, found.split, found.rollout) == (True, Split(2), rollout)
    assert world.split() == recorded(world) == Split(2)
    assert world.rollouts.get(FRAUD, rollout).outcome is Outcome.ROLLED_BACK
    assert world.rollouts.active(FRAUD) is None
    assert world.alarms.existing == {}
    assert world.event_names()[-2:] == ["TrafficShifted", "RolloutRolledBack"]


def test_a_repeated_alarm_is_harmless() -> None:
    """The second finds nothing to do."""
    world = World()
    world.canary()
    back(world, release=3)
    deeds = world.deeds()
    found = back(world, release=3)
    assert (found.moved, found.rollout, found.reason) == (False, None, "nothing to do")
    assert world.deeds() == deeds


def test_a_late_alarm_after_promotion_is_harmless() -> None:
    """The candidate has become stable; only a person rolls that back."""
    world = with_releases(2)
    assert back(world, release=3).reason == "nothing to do"
    assert world.split() == Split(3)


def test_a_release_that_sleeps_is_woken_before_it_gets_traffic() -> None:
    """What sleeps answers nobody: nothing moves and nothing is recorded until it is awake."""
    world = with_releases(3)
    world.traffic.asleep = {3}
    deeds = world.deeds()
    found = back(world)
    assert (found.moved, found.rollout, found.split) == (False, None, Split(4))
    assert "release 3 sleeps" in found.reason
    assert world.split() == Split(4)
    assert world.deeds() == deeds
    assert (back(world).moved, world.split()) == (True, Split(3))


def test_a_rollout_is_rolled_back_without_a_look_at_who_sleeps() -> None:
    """Its stable release serves, and a bad candidate must not wait for a second call."""
    world = World()
    world.canary()
    world.traffic.asleep = {2}
    assert back(world, release=3).moved
    assert world.traffic.asleep == {2}


def test_an_alarm_of_another_release_is_harmless() -> None:
    """It speaks of a candidate that is gone."""
    world = World()
    world.canary()
    assert not back(world, release=9).moved
    assert world.split() == Split(2, 3, 10)


def test_a_rollout_without_its_candidate_yet_is_closed() -> None:
    """Rolling back before anything is published moves nothing and frees the lock."""
    world = World()
    world.published("1")
    rollout = world.started("2")
    found = back(world)
    assert (found.moved, found.rollout) == (False, rollout)
    assert world.rollouts.active(FRAUD) is None


def test_a_failed_state_machine_closes_its_own_rollout_only() -> None:
    """Another rollout under way is none of its business; its own ends as failed."""
    world = World()
    mine = world.canary()
    assert back(world, rollout="v9-another").reason == "nothing to do"
    back(world, rollout=mine, outcome=Outcome.FAILED)
    assert world.rollouts.get(FRAUD, mine).outcome is Outcome.FAILED
    assert back(world, rollout=mine, outcome=Outcome.FAILED).reason.startswith("nothing to do")


def test_a_rollout_that_never_was_cannot_be_rolled_back() -> None:
    """Naming it is an error."""
    with pytest.raises(RolloutNotFound):
        back(World(), rollout="v9-none")


def test_traffic_that_an_ended_rollout_left_behind_is_returned() -> None:
    """A step that was under way when the rollout was ended may move traffic after the end."""
    world = World()
    rollout = world.canary()
    back(world)
    world.traffic.shift(FRAUD, Split(2, 3, 50))
    assert back(world, rollout=rollout, outcome=Outcome.FAILED).moved
    assert world.split() == recorded(world) == Split(2)


def test_each_roll_back_that_names_what_is_live_goes_further_back() -> None:
    """Never forth to the bad one; before the first there is none."""
    world = with_releases(3)
    assert back(world, leaving=4).split == Split(3)
    assert back(world, leaving=3).split == Split(2)
    with pytest.raises(ReleaseNotFound, match="earlier release"):
        back(world, leaving=2)
    assert world.split() == recorded(world) == Split(2)


@pytest.mark.parametrize("leaving", [None, 4])
def test_rolled_back_twice_it_goes_back_once(leaving: int | None) -> None:
    """Pressed twice or delivered twice, the second does nothing, and says what is live; nor is that on record."""
    world = with_releases(3)
    assert back(world, leaving=leaving).moved
    deeds = world.deeds()
    again = back(world, leaving=leaving)
    assert (again.moved, again.split, world.split()) == (False, Split(3), Split(3))
    assert again.reason.startswith("release 4 is not live, release 3 is")
    assert world.deeds() == deeds


def test_a_roll_back_of_a_rollout_pressed_twice_goes_back_once() -> None:
    """The second finds the rollout ended, with or without naming it; stable is not what it was about."""
    world = with_releases(2)
    rollout = world.published("3")
    assert back(world, rollout=rollout).moved
    assert back(world, rollout=rollout).reason == f"nothing to do: rollout {rollout} has ended as rolled_back"
    assert not back(world).moved
    assert world.split() == recorded(world) == Split(3)


def test_a_rollout_ended_before_it_had_a_release_is_undone_once() -> None:
    """Stable stays, however often that is asked for."""
    world = with_releases(2)
    world.started("3")
    assert back(world).rollout is not None
    assert "ended before it had a release" in back(world).reason
    assert world.split() == Split(3)


def test_what_went_live_since_is_left_alone() -> None:
    """A person saw release 3 live; it is the cure, release 4, that is live when the request arrives."""
    world = with_releases(3)
    found = back(world, leaving=3)
    assert (found.moved, found.reason[:36]) == (False, "release 3 is not live, release 4 is:")
    assert world.split() == Split(4)


def test_a_rollout_begun_since_ends_where_stable_itself_is_left() -> None:
    """The person saw release 3 live and wants it gone: traffic goes to what served before it, in one move."""
    world = with_releases(2)
    rollout = world.published("3")
    moves = len(world.traffic.history)
    found = back(world, leaving=3)
    assert (found.split, found.rollout) == (Split(2), rollout)
    assert [split for _, split in world.traffic.history[moves:]] == [Split(2)]
    assert world.split() == recorded(world) == Split(2)


def test_an_earlier_release_ends_the_rollout_under_way() -> None:
    """One move takes traffic there; the rollout ends as rolled back, and no tick moves traffic again."""
    world = with_releases(3)
    rollout = world.published("4")
    moves = len(world.traffic.history)
    found = back(world, to=2)
    assert (found.moved, found.split, found.rollout) == (True, Split(2), rollout)
    assert [split for _, split in world.traffic.history[moves:]] == [Split(2)]
    assert world.rollouts.get(FRAUD, rollout).outcome is Outcome.ROLLED_BACK
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    assert (world.split(), recorded(world), world.alarms.existing) == (Split(2), Split(2), {})
    assert world.rollouts.active(FRAUD) is None


def test_a_tick_in_the_middle_of_returning_to_an_earlier_release_is_overruled() -> None:
    """It takes the move for somebody's hand and returns traffic to stable; at whichever write, the roll-back wins."""
    for number in range(1, 9):
        world = with_releases(3)
        rollout = world.published("4")
        world.fate.after_write(number, partial(world.advance, rollout))
        assert back(world, to=2).split == Split(2)
        assert world.split() == recorded(world) == Split(2), f"a tick after write {number}"
        assert world.rollouts.get(FRAUD, rollout).outcome is not None
        assert (world.rollouts.active(FRAUD), world.alarms.existing) == (None, {})


def test_dying_while_returning_to_an_earlier_release_leaves_no_candidate_with_traffic() -> None:
    """Pressed again, it is completed; a tick that comes first returns traffic to stable. The lock is free."""
    for number in range(1, 9):
        for ticks in (0, 1):
            world = with_releases(3)
            rollout = world.published("4")
            world.fate.die_after(number)
            with suppress(Died):
                back(world, rollout=rollout, to=2)
            for _ in range(ticks):
                world.advance(rollout)
            back(world, rollout=rollout, to=2)
            assert world.split() == recorded(world), f"died after write {number}"
            assert world.split() in ({Split(2), Split(4)} if ticks else {Split(2)})
            assert world.rollouts.active(FRAUD) is None


def test_what_cannot_serve_is_refused_before_anything_is_touched() -> None:
    """Unknown, never alone, or deleted by hand: each in words, with what there is; the rollout goes on."""
    world = with_releases(3)
    rollout = world.published("4")
    before = (world.deeds(), list(world.traffic.history))
    world.traffic.gone.add(2)
    refusals = {
        9: "no release 9; return to 2, 3, 4",
        5: "no earlier release 5: it never served all traffic; return to 2, 3, 4",
        2: "no release 2 any more: its Lambda version was deleted; return to 3, 4",
    }
    for number, words in refusals.items():
        with pytest.raises(ReleaseNotFound, match=words):
            back(world, to=number)
    assert (world.deeds(), list(world.traffic.history)) == before
    assert world.rollouts.get(FRAUD, rollout).outcome is None


def test_a_release_can_be_named() -> None:
    """Any that was published, and no other."""
    world = with_releases(3)
    assert back(world, to=2).split == Split(2)
    with pytest.raises(ReleaseNotFound, match="release 9"):
        back(world, to=9)
    assert back(world, to=4).split == recorded(world) == Split(4)
    assert back(world).split == Split(3)


def test_a_split_that_no_rollout_holds_is_taken_back() -> None:
    """Whoever left it there, stable serves alone."""
    world = with_releases(2)
    world.traffic.shift(FRAUD, Split(3, 2, 50))
    assert back(world).split == Split(3)


def test_with_nothing_released_there_is_nowhere_to_return_to() -> None:
    """An endpoint that answers 503 cannot be rolled back."""
    with pytest.raises(ReleaseNotFound):
        back(World())


def test_dying_after_any_write_changes_nothing_in_the_end() -> None:
    """The alarm that is retried leaves stable alone with all traffic, each deed on record once, the lock free."""
    for number in range(1, 8):
        world = World()
        rollout = world.canary()
        world.fate.die_after(number)
        with pytest.raises(Died):
            back(world, release=3)
        back(world, release=3)
        assert world.split() == recorded(world) == Split(2), f"died after write {number}"
        assert world.rollouts.active(FRAUD) is None
        assert world.deeds()[-2:] == [f"shifted:{rollout}:returned", f"ended:{rollout}"]


@pytest.mark.parametrize("to", [None, 3])
def test_a_try_that_died_before_its_record_is_completed_and_not_repeated(to: int | None) -> None:
    """The second try finds traffic moved already, records that, and goes no further back."""
    world = with_releases(3)
    world.fate.die_after(1)
    with pytest.raises(Died):
        back(world, to=to)
    assert (world.split(), recorded(world)) == (Split(3), Split(4))
    assert not back(world, to=to).moved
    assert world.split() == recorded(world) == Split(3)


def test_a_first_release_that_went_live_without_a_record_is_recorded() -> None:
    """There is nothing to return to; but the ledger says what is live, and the lock is free."""
    world = World()
    rollout = world.started()
    for number in range(1, 12):
        if world.split() == Split(1):
            world.fate.die_after(number)
            with pytest.raises(Died):
                publish_release(FRAUD, rollout, publishing=world.publishing)
    found = back(world, rollout=rollout, outcome=Outcome.FAILED)
    assert (found.moved, world.split(), recorded(world)) == (False, Split(2), Split(2))
    assert world.rollouts.active(FRAUD) is None


@pytest.mark.parametrize("candidate_percent", [10, 50])
def test_a_move_after_the_alias_was_read_is_taken_back(
    monkeypatch: pytest.MonkeyPatch, candidate_percent: int
) -> None:
    """What a step does between the read and the end is overwritten: the alias is written whatever was read."""
    world = World()
    world.published("1")
    rollout = world.started("2")
    read = world.traffic.current

    def read_before_a_step(endpoint: str) -> Split:
        found = read(endpoint)
        monkeypatch.setattr(world.traffic, "current", read)
        world.traffic.shift(endpoint, Split(2, 3, candidate_percent))
        return found

    monkeypatch.setattr(world.traffic, "current", read_before_a_step)
    assert back(world).rollout == rollout
    assert world.split() == recorded(world) == Split(2)


def test_a_roll_back_that_finds_traffic_right_writes_the_alias_nevertheless() -> None:
    """Its revision changes, so a step that has read it and not moved it yet cannot any more."""
    world = World()
    world.published("1")
    world.started("2")
    before = len(world.traffic.history)
    assert not back(world).moved
    assert len(world.traffic.history) == before + 1


def test_a_move_while_the_rollout_is_ended_is_taken_back() -> None:
    """After the end the alias is read once more, at whichever write a step came in between."""
    for number in range(1, 9):
        world = World()
        world.canary()
        world.fate.after_write(number, partial(world.traffic.shift, FRAUD, Split(2, 3, 50)))
        assert back(world).moved
        assert world.split() == recorded(world) == Split(2), f"moved after write {number}"


def test_settling_leaves_a_later_rollout_of_the_same_release_alone() -> None:
    """Its traffic and its alarms are its own."""
    world = World()
    first = world.started("1")
    ended = world.rollouts.get(FRAUD, first)
    publish_release(FRAUD, first, publishing=world.publishing)
    world.published("2")
    earlier = ended.published(stable=2, candidate=3)
    found = settle(earlier, "late", actor="ann", conducting=world.conducting)
    assert found == (Split(2, 3, 10), False)
    assert (FRAUD, 3) in world.alarms.existing


def test_an_execution_that_ended_early_fails_its_own_rollout_only() -> None:
    """Of another execution there is nothing to do; with its own, traffic and the lock are free."""
    world = World()
    rollout = world.canary()

    def ended(execution: str) -> RolledBack:
        wanted = RollBack(FRAUD, "ABORTED", "rollout", outcome=Outcome.FAILED, execution=execution)
        return roll_back(wanted, conducting=world.conducting)

    assert ended("rollout-1").reason == "nothing to do"
    assert world.split() == Split(2, 3, 10)
    assert ended("rollout-2").moved
    assert world.rollouts.get(FRAUD, rollout).outcome is Outcome.FAILED
    assert world.rollouts.active(FRAUD) is None
    assert world.split() == recorded(world) == Split(2)
    assert ended("rollout-2").reason == "nothing to do"
