"""Explaining: from the record alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.domain.rollout import Decision
from serinus.domain.verdict import Verdict
from serinus.errors import RolloutNotFound
from serinus.use_cases.explain_rollout import Explanation, Replayed, explain_rollout
from tests.builders import FRAUD, PLAN, World


def looked_at(world: World, rollout: str, times: int, *, requests: int = 4) -> None:
    """Let both releases serve and be looked at, so many times."""
    for _ in range(times):
        world.later(PLAN.tick_seconds)
        world.serve(2, requests)
        world.serve(3, requests)
        world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
        world.advance(rollout)


def test_the_rollout_under_way_is_explained_by_every_look() -> None:
    """Its ticks, replayed, give the evidence that it is judged by."""
    world = World()
    rollout = world.canary()
    looked_at(world, rollout, 3)
    explained = explain_rollout(FRAUD, None, rollouts=world.rollouts)
    assert explained.rollout.id == rollout
    assert len(explained.looks) >= 3
    assert explained.replayed is Replayed.SAME


def test_a_record_that_was_tampered_with_does_not_replay() -> None:
    """A tick that is missing, or says something else, comes to other evidence."""
    world = World()
    rollout = world.canary()
    looked_at(world, rollout, 2)
    state = world.rollouts.get(FRAUD, rollout)
    assert state.evidence is not None
    doubled = replace(state, evidence=replace(state.evidence, metrics=state.evidence.metrics[:1]))
    world.rollouts.save(doubled, replaced=state)
    assert explain_rollout(FRAUD, rollout, rollouts=world.rollouts).replayed is Replayed.DIFFERENT


def test_a_last_digit_is_no_other_evidence() -> None:
    """A replay runs on another machine than the judgement did, whose sums may round the other way; a step counts."""
    world = World()
    rollout = world.canary()
    looked_at(world, rollout, 2)
    for factor, replayed in ((1 + 1e-15, Replayed.SAME), (1 + 1e-3, Replayed.DIFFERENT)):
        state = world.rollouts.get(FRAUD, rollout)
        assert state.evidence is not None
        errors = state.evidence.metrics[0]
        wealth = tuple(value * factor for value in errors.against.log_wealth)
        nudged = replace(errors, against=replace(errors.against, log_wealth=wealth))
        evidence = replace(state.evidence, metrics=(nudged, *state.evidence.metrics[1:]))
        world.rollouts.save(replace(state, evidence=evidence), replaced=state)
        assert explain_rollout(FRAUD, rollout, rollouts=world.rollouts).replayed is replayed


def test_without_one_under_way_the_latest_is_meant() -> None:
    """And an endpoint that never had one says so."""
    world = World()
    with pytest.raises(RolloutNotFound):
        explain_rollout(FRAUD, None, rollouts=world.rollouts)
    first = world.published()
    explained = explain_rollout(FRAUD, None, rollouts=world.rollouts)
    assert (explained.rollout.id, explained.looks, explained.replayed) == (first, (), Replayed.NOTHING)
    with pytest.raises(RolloutNotFound):
        explain_rollout(FRAUD, "v9-none", rollouts=world.rollouts)


def test_people_are_told_of_changes_and_of_the_last_look() -> None:
    """A thousand looks that hold say one thing."""
    world = World()
    rollout = world.rollouts.get(FRAUD, world.canary())
    verdicts = [Verdict.HOLD, Verdict.HOLD, Verdict.ADVANCE, Verdict.HOLD, Verdict.HOLD]
    percents = [10, 10, 10, 50, 50]
    looks = tuple(
        Decision(world.now, verdict, str(at), percent)
        for at, (verdict, percent) in enumerate(zip(verdicts, percents, strict=True))
    )
    told = Explanation(rollout, looks, Replayed.NOTHING).told
    assert [look.reason for look in told] == ["0", "2", "3", "4"]
    assert Explanation(rollout, (), Replayed.NOTHING).told == ()
