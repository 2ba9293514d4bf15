"""Advancing: step by step to all traffic, or back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from serinus.domain.evidence import Tally
from serinus.domain.guard import RolloutMetric
from serinus.domain.ledger import first_broken, what_was_live
from serinus.domain.replay import agrees
from serinus.domain.rollout import Outcome, Split
from serinus.domain.rollout_plan import WhenUndecided
from serinus.domain.steering import Steering, Wish
from serinus.domain.verdict import Verdict
from serinus.errors import ReleaseNotFound, RevisionChanged, RolloutNotFound, SourceFailed
from serinus.use_cases.describe_endpoint import describe_endpoint
from serinus.use_cases.recount_history import recount_history
from serinus.use_cases.roll_back import RollBack, roll_back
from tests.builders import FRAUD, PLAN, Died, World, a_policy, a_prediction, a_wish, built_once


def bake(world: World, *, failures: int = 0, requests: int = 50) -> None:
    """Let the tick of a change pass, let both releases serve in the next, and wait until that is due."""
    world.later(PLAN.tick_seconds)
    world.serve(2, requests)
    world.serve(3, requests, failures=failures)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)


def test_a_whole_life() -> None:
    """The first release goes live, the second by canary; ledger, alias and state agree, and the lock is free."""
    world = World()
    rollout = world.canary()
    splits = [world.split()]
    while world.rollouts.active(FRAUD):
        bake(world)
        world.advance(rollout)
        splits.append(world.split())
    assert splits == [Split(2, 3, 10), Split(2, 3, 50), Split(3)]
    assert world.rollouts.get(FRAUD, rollout).outcome is Outcome.PROMOTED
    assert world.alarms.existing == {}
    assert world.event_names()[-1] == "RolloutPromoted"
    history = recount_history(FRAUD, policies=world.policies, ledger=world.ledger)
    lived = [Split(span.stable, span.candidate, span.candidate_percent) for span in history.live]
    assert lived == [split for _, split in world.traffic.history]
    assert history.broken_at is None
    described = describe_endpoint(FRAUD, describing=world.describing)
    assert (described.split, described.rollout) == (Split(3), None)
    assert (described.model_version_of(3), described.model_version_of(1)) == (2, None)


def test_too_few_requests_hold() -> None:
    """Nothing moves, and the look is on record with what was counted and how much is still to be shown."""
    world = World()
    rollout = world.canary()
    bake(world, requests=5)
    progress = world.advance(rollout)
    assert progress.outcome is None
    assert "not enough evidence yet: errors: 0 of 5 requests to the candidate failed" in progress.reason
    assert world.split() == Split(2, 3, 10)
    (look,) = world.rollouts.decisions(FRAUD, rollout)
    assert (look.verdict, look.percent, look.at) == (Verdict.HOLD, 10, world.now)
    assert look.tick is not None
    assert look.tick.strata[RolloutMetric.ERRORS] == (Tally(5, 0, 5, 0),)
    assert [figures.metric for figures in look.figures] == [guard.metric for guard in PLAN.guards]


def test_requests_younger_than_the_watermark_are_not_counted_yet() -> None:
    """They may not all have been collected."""
    world = World()
    rollout = world.canary()
    assert "no traffic" in world.advance(rollout).reason
    world.later(PLAN.tick_seconds)
    world.serve(2, 50)
    world.serve(3, 50)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds - 1)
    assert "no traffic" in world.advance(rollout).reason
    world.later(1)
    assert "0 of 50 requests to the candidate" in world.advance(rollout).reason


def test_what_is_asked_in_the_tick_of_a_change_is_not_counted() -> None:
    """The alias does not move everywhere at once: whose request it was is no matter of chance there."""
    world = World()
    rollout = world.canary()
    world.later(PLAN.tick_seconds - 1)
    world.serve(3, 50, failures=50)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds + 1)
    assert "no traffic" in world.advance(rollout).reason


def test_a_tick_counts_once_however_often_it_is_looked_at() -> None:
    """The same tick again is the same evidence; a second look at it only judges anew."""
    world = World()
    rollout = world.canary()
    bake(world, requests=5)
    world.advance(rollout)
    once = world.rollouts.get(FRAUD, rollout).evidence
    world.later(1)
    world.advance(rollout)
    assert world.rollouts.get(FRAUD, rollout).evidence == once
    looks = world.rollouts.decisions(FRAUD, rollout)
    assert [look.tick is not None for look in looks] == [True, False]


def test_records_on_replay_give_the_evidence_that_was_judged() -> None:
    """Whoever doubts a verdict can take the recorded ticks and come to the same evidence."""
    world = World()
    rollout = world.canary()
    for failures in (0, 1, 0):
        bake(world, failures=failures, requests=12)
        world.advance(rollout)
    evidence = world.rollouts.get(FRAUD, rollout).evidence
    ticks = [look.tick for look in world.rollouts.decisions(FRAUD, rollout) if look.tick]
    assert evidence is not None
    assert agrees(evidence, ticks)
    assert not agrees(evidence, [*ticks[:-1], replace(ticks[-1], hour=3)])


def test_proof_is_asked_for_anew_at_each_step() -> None:
    """The next weight puts more requests at risk, so the tolerable difference is smaller there."""
    world = World()
    rollout = world.canary()
    bake(world)
    world.advance(rollout)
    assert world.split() == Split(2, 3, 50)
    assert "no traffic" in world.advance(rollout).reason


def test_a_failing_candidate_is_rolled_back() -> None:
    """All traffic returns to stable, with the numbers as the reason."""
    world = World()
    rollout = world.canary()
    bake(world, failures=10)
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.ROLLED_BACK
    assert "10 of 50 requests to the candidate failed (20.00%), 0 of 50 requests to stable" in progress.reason
    assert world.split() == Split(2)
    assert world.alarms.existing == {}
    assert world.rollouts.active(FRAUD) is None


def test_a_candidate_that_fails_no_more_than_an_ailing_stable_is_the_cure() -> None:
    """What is wrong with stable does not count against it, and proof comes quickly."""
    world = World()
    rollout = world.canary()
    for _ in range(2):
        world.later(PLAN.tick_seconds)
        world.serve(2, 50, failures=40)
        world.serve(3, 50)
        world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
        world.advance(rollout)
    assert world.split() == Split(3)


def test_a_candidate_that_refuses_its_callers_is_rolled_back() -> None:
    """The same callers get 4xx of it and answers of stable: no failure, but no model to promote either."""
    world = World()
    rollout = world.canary()
    world.later(PLAN.tick_seconds)
    world.serve(2, 50)
    world.collect([a_prediction(f"bad-{n}", at=world.now, status=400) for n in range(50)], release=3)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.ROLLED_BACK
    assert "50 of 50 requests to the candidate were refused" in progress.reason
    assert world.split() == Split(2)


def test_ticks_that_were_missed_are_weighed_one_by_one() -> None:
    """A look that comes late finds them all, and stops at the first that says something is to be done."""
    world = World()
    rollout = world.canary()
    world.later(PLAN.tick_seconds)
    for requests, failures in ((6, 1), (40, 20), (40, 0)):
        world.serve(2, requests)
        world.serve(3, requests, failures=failures)
        world.later(PLAN.tick_seconds)
    world.later(PLAN.watermark_seconds)
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    looks = world.rollouts.decisions(FRAUD, rollout)
    assert [look.verdict for look in looks] == [Verdict.HOLD, Verdict.ROLL_BACK]


def test_a_source_that_fails_holds() -> None:
    """Storage that does not answer speaks neither for the candidate nor against it; the tick is weighed later."""
    world = World()
    rollout = world.canary()
    bake(world)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.parts, "read", _not_answering)
        progress = world.advance(rollout)
    assert (progress.outcome, world.split()) == (None, Split(2, 3, 10))
    assert "the counts could not be read" in progress.reason
    world.later(1)
    world.advance(rollout)
    assert world.split() == Split(2, 3, 50)


def test_alarms_that_cannot_be_read_are_told_and_the_evidence_decides() -> None:
    """An alarm that fires comes to `roll_back` by itself."""
    world = World()
    rollout = world.canary()
    bake(world, failures=20)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.alarms, "firing", _not_answering)
        progress = world.advance(rollout)
    assert progress.outcome is Outcome.ROLLED_BACK
    assert "its alarms could not be read: the store did not answer: timed out" in progress.reason


def test_nothing_advances_while_alarms_cannot_be_read() -> None:
    """One may be firing; once they can be read, the same evidence advances."""
    world = World()
    rollout = world.canary()
    bake(world)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.alarms, "firing", _not_answering)
        assert "could not be read" in world.advance(rollout).reason
    assert world.split() == Split(2, 3, 10)
    world.later(1)
    world.advance(rollout)
    assert world.split() == Split(2, 3, 50)


def _not_answering(*_: object) -> object:
    raise SourceFailed("the store", "timed out")


def test_a_firing_alarm_rolls_back_at_the_next_look() -> None:
    """Even without any request counted."""
    world = World()
    rollout = world.canary()
    world.alarms.fire(FRAUD, 3, "5 failures in a minute")
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    assert world.split() == Split(2)


@pytest.mark.parametrize(
    ("when", "outcome", "split"),
    [
        (WhenUndecided.RETURN, Outcome.INCONCLUSIVE, Split(2)),
        (WhenUndecided.PROMOTE, Outcome.PROMOTED, Split(3)),
    ],
)
def test_an_undecided_rollout_ends_at_its_horizon(when: WhenUndecided, outcome: Outcome, split: Split) -> None:
    """As the policy says, and never in silence."""
    world = World(a_policy(rollout=replace(PLAN, when_undecided=when)))
    rollout = world.canary()
    world.later(PLAN.horizon_seconds - 1)
    assert world.advance(rollout).outcome is None
    world.later(1)
    progress = world.advance(rollout)
    assert (progress.outcome, world.split()) == (outcome, split)
    assert "undecided after 3600 seconds: no traffic" in progress.reason
    assert progress.reason.startswith("unproven") == (outcome is Outcome.PROMOTED)
    assert world.rollouts.active(FRAUD) is None


def test_what_speaks_against_a_candidate_keeps_it_from_being_promoted_at_the_horizon() -> None:
    """Undecided is not unsuspected: 6 failures of 50 where stable has none do not roll back, and do not promote."""
    world = World(a_policy(rollout=replace(PLAN, when_undecided=WhenUndecided.PROMOTE)))
    rollout = world.canary()
    bake(world, failures=6)
    assert world.advance(rollout).outcome is None
    world.later(PLAN.horizon_seconds)
    progress = world.advance(rollout)
    assert (progress.outcome, world.split()) == (Outcome.INCONCLUSIVE, Split(2))
    assert "something speaks against the candidate" in progress.reason


def test_a_tick_that_died_after_promoting_at_the_horizon_is_told_as_it_was() -> None:
    """The next one records that the promotion is unproven."""
    world = World(a_policy(rollout=replace(PLAN, when_undecided=WhenUndecided.PROMOTE)))
    rollout = world.canary()
    world.later(PLAN.horizon_seconds)
    world.fate.die_after(2)
    with pytest.raises(Died):
        world.advance(rollout)
    assert world.split() == Split(3)
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.PROMOTED
    assert progress.reason.startswith("unproven: undecided after 3600 seconds")


def test_a_hand_that_promotes_past_the_rollout_is_not_taken_for_a_tick() -> None:
    """What moved the alias while every look held was no tick of ours, and the record says so."""
    world = World()
    rollout = world.canary()
    world.advance(rollout)
    world.traffic.shift(FRAUD, Split(3))
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.PROMOTED
    assert progress.reason.startswith("unproven: somebody moved all traffic to the candidate")


def steer(world: World, wished: Steering) -> None:
    """Have a person wish something of the rollout under way."""
    active = world.rollouts.active(FRAUD)
    assert active is not None
    world.rollouts.save(active.steered(wished), replaced=active)


def test_a_paused_rollout_holds_its_step() -> None:
    """It is judged all the same, and goes on from there once it is resumed."""
    world = World()
    rollout = world.canary()
    steer(world, a_wish(Wish.PAUSE))
    for _ in range(3):
        bake(world)
        progress = world.advance(rollout)
        assert (progress.outcome, world.split()) == (None, Split(2, 3, 10))
        assert "paused by ann: a look at refunds" in progress.reason
    steer(world, a_wish(Wish.RESUME))
    world.advance(rollout)
    assert world.split() == Split(2, 3, 50)


def test_a_paused_rollout_is_rolled_back_by_its_evidence() -> None:
    """Holding a step does not keep a failing candidate."""
    world = World()
    rollout = world.canary()
    steer(world, a_wish(Wish.PAUSE))
    bake(world, failures=20)
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    assert world.split() == Split(2)


@pytest.mark.parametrize("when", list(WhenUndecided))
def test_a_paused_rollout_ends_at_its_horizon_on_stable(when: WhenUndecided) -> None:
    """It is not forgotten half way, and what a person holds is not promoted behind their back."""
    world = World(a_policy(rollout=replace(PLAN, when_undecided=when)))
    rollout = world.canary()
    steer(world, a_wish(Wish.PAUSE))
    world.later(PLAN.horizon_seconds - 2 * PLAN.tick_seconds - PLAN.watermark_seconds)
    bake(world)
    progress = world.advance(rollout)
    assert (progress.outcome, world.split()) == (Outcome.INCONCLUSIVE, Split(2))
    assert "paused by ann" in progress.reason


def test_a_promotion_by_hand_moves_all_traffic_at_the_next_tick() -> None:
    """From whichever step, without further proof, and it says so."""
    world = World()
    rollout = world.canary()
    steer(world, a_wish(Wish.PROMOTE, reason="the fraud season begins"))
    progress = world.advance(rollout)
    assert (progress.outcome, world.split()) == (Outcome.PROMOTED, Split(3))
    assert progress.reason.startswith("unproven: promoted by ann: the fraud season begins")
    (entry,) = [entry for entry in world.entries() if entry.id == f"ended:{rollout}"]
    assert entry.details["reason"] == progress.reason


def test_a_tick_that_died_after_promoting_by_hand_is_told_as_it_was() -> None:
    """The next one records who promoted it and why."""
    world = World()
    rollout = world.canary()
    steer(world, a_wish(Wish.PROMOTE))
    world.fate.die_after(2)  # the look is kept, and traffic has moved
    with pytest.raises(Died):
        world.advance(rollout)
    assert world.split() == Split(3)
    assert "promoted by ann: a look at refunds" in world.advance(rollout).reason


@pytest.mark.parametrize(
    ("forced", "outcome", "split"), [(False, Outcome.ROLLED_BACK, Split(2)), (True, Outcome.PROMOTED, Split(3))]
)
def test_a_promotion_gives_way_to_a_firing_alarm_unless_forced(forced: bool, outcome: Outcome, split: Split) -> None:
    """The alarm may have come between the wish and the tick."""
    world = World()
    rollout = world.canary()
    steer(world, a_wish(Wish.PROMOTE, forced=forced))
    world.alarms.fire(FRAUD, 3, "5 failures in a minute")
    assert world.advance(rollout).outcome is outcome
    assert world.split() == split


def test_an_alias_moved_by_hand_returns_to_stable() -> None:
    """The rollout has failed, and says who knows what."""
    world = World()
    rollout = world.canary()
    world.traffic.shift(FRAUD, Split(2, 3, 77))
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.FAILED
    assert "somebody moved the alias" in progress.reason
    assert world.split() == Split(2)


def test_an_alias_returned_by_hand_ends_the_rollout() -> None:
    """Somebody took the candidate out: that is a roll-back."""
    world = World()
    rollout = world.canary()
    world.traffic.shift(FRAUD, Split(2))
    assert world.advance(rollout).outcome is Outcome.ROLLED_BACK
    assert world.deeds()[-2:] == [f"shifted:{rollout}:returned", f"ended:{rollout}"]


def test_an_ended_rollout_is_left_alone() -> None:
    """A tick that comes late changes nothing."""
    world = World()
    rollout = world.canary()
    roll_back(RollBack(FRAUD, "enough", "ann"), conducting=world.conducting)
    deeds = world.deeds()
    progress = world.advance(rollout)
    assert (progress.outcome, progress.reason) == (Outcome.ROLLED_BACK, "enough")
    assert world.deeds() == deeds


def test_without_a_reference_profile_nothing_is_decided() -> None:
    """Counts without a layout are no evidence: an error, and the state machine rolls back."""
    world = World()
    rollout = world.canary()
    digest = world.versions.get(FRAUD, 2).content_digest
    bake(world)
    del world.artifacts._objects[f"models/fraud/{digest}/reference.json"]
    with pytest.raises(ReleaseNotFound, match="release 3 with a reference profile"):
        world.advance(rollout)


def test_there_must_be_such_a_rollout() -> None:
    """Advancing nothing is an error."""
    with pytest.raises(RolloutNotFound):
        World().advance("v9-none")


def _advance_a_step(world: World) -> None:
    bake(world)


def _promote(world: World) -> None:
    bake(world)
    world.advance(_active(world))
    bake(world)


def _promote_by_hand(world: World) -> None:
    steer(world, a_wish(Wish.PROMOTE))


def _pause_and_fail(world: World) -> None:
    steer(world, a_wish(Wish.PAUSE))
    bake(world, failures=20)


def _fail(world: World) -> None:
    bake(world, failures=20)


def _time_out(world: World) -> None:
    world.later(PLAN.horizon_seconds)


def _move_by_hand(world: World) -> None:
    world.traffic.shift(FRAUD, Split(2, 3, 77))


def _active(world: World) -> str:
    active = world.rollouts.active(FRAUD)
    assert active is not None
    return active.id


@pytest.mark.parametrize("lead_up", [_advance_a_step, _promote, _promote_by_hand, _fail, _pause_and_fail, _time_out])
def test_dying_after_any_write_changes_nothing_in_the_end(lead_up: Callable[[World], None]) -> None:
    """The next tick leaves the same traffic, deeds, outcome, lock and alarms as one that never died."""

    @built_once
    def prepared() -> tuple[World, str]:
        world = World()
        rollout = world.canary()
        lead_up(world)
        world.fate.after_write(-1, lambda: None)
        return world, rollout

    def outcome(world: World, rollout: str) -> object:
        state = world.rollouts.get(FRAUD, rollout)
        active = world.rollouts.active(FRAUD)
        return world.split(), world.deeds(), state.outcome, state.step, active and active.id, world.alarms.existing

    unharmed, rollout = prepared()
    unharmed_progress = world_progress = unharmed.advance(rollout)
    for number in range(1, unharmed.fate.writes + 1):
        world, rollout = prepared()
        world.fate.die_after(number)
        with pytest.raises(Died):
            world.advance(rollout)
        world.later(1)
        world_progress = world.advance(rollout)
        assert outcome(world, rollout) == outcome(unharmed, rollout), f"died after write {number}"
        assert first_broken(world.entries()) is None
    assert world_progress.outcome is unharmed_progress.outcome


@pytest.mark.parametrize(
    "lead_up", [_advance_a_step, _promote, _promote_by_hand, _fail, _pause_and_fail, _time_out, _move_by_hand]
)
def test_a_roll_back_in_the_middle_leaves_stable_alone(lead_up: Callable[[World], None]) -> None:
    """After whichever write an alarm rolls back, and all are retried, stable has all traffic or all agree."""

    @built_once
    def prepared() -> tuple[World, str]:
        world = World()
        rollout = world.canary()
        lead_up(world)
        return world, rollout

    for number in range(1, 12):
        world, rollout = prepared()
        failed: list[Exception] = []

        def alarm() -> None:
            try:
                wanted = RollBack(FRAUD, "alarm", "alarm", release=3)
                roll_back(wanted, conducting=world.conducting)  # noqa: B023 - used at once
            except RevisionChanged as error:
                failed.append(error)  # noqa: B023 - used at once

        world.fate.after_write(number, alarm)
        try:
            world.advance(rollout)
        except RevisionChanged:
            wanted = RollBack(FRAUD, "the tick failed", "rollout", rollout=rollout, outcome=Outcome.FAILED)
            roll_back(wanted, conducting=world.conducting)
        if world.rollouts.active(FRAUD):
            world.advance(rollout)
        last = what_was_live(world.entries())[-1]
        where = f"rolled back after write {number}"
        assert Split(last.stable, last.candidate, last.candidate_percent) == world.split(), where
        state = world.rollouts.get(FRAUD, rollout)
        if state.outcome not in {None, Outcome.PROMOTED}:
            assert world.split() == Split(2), where
            assert world.alarms.existing == {}, where
