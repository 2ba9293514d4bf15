"""Weighing: everything that the policy guards becomes evidence, each tick once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from serinus.domain.evidence import Tally
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.rollout import Outcome, Split
from serinus.domain.rollout_plan import BadOutcome
from serinus.use_cases.compact_profiles import compact_profiles
from serinus.use_cases.weigh_ticks import weigh_ticks
from tests.builders import FRAUD, PLAN, World, a_policy, a_prediction, a_table

ERRORS = PLAN.guards[0]


def a_world(*guards: Guard, outcome: BadOutcome | None = None) -> tuple[World, str]:
    """Return a world whose policy guards these, with a canary at its first step; and the rollout's id."""
    plan = replace(PLAN, guards=(ERRORS, *guards), outcome=outcome)
    world = World(a_policy(rollout=plan))
    return world, world.canary()


def served(world: World, requests: int = 60) -> None:
    """Let the tick of the change pass, and both releases serve in the next, until it is due."""
    world.later(PLAN.tick_seconds)
    for release in (2, 3):
        world.serve(release, requests)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)


def counted(world: World, rollout: str, metric: RolloutMetric) -> Tally:
    """Return what all ticks so far counted of a metric."""
    ticks = [look.tick for look in world.rollouts.decisions(FRAUD, rollout) if look.tick]
    return sum((tally for tick in ticks for tally in tick.strata[metric]), Tally(0, 0, 0, 0))


def test_answers_slower_than_stables_are_counted() -> None:
    """What is slow is said by stable's day before: 2 ms then, so an SLO of 3 ms makes 4 ms slow."""
    world, rollout = a_world(Guard(RolloutMetric.LATENCY))
    world.deploy(a_policy(rollout=replace(PLAN, slo_latency_ms=3.0)))
    state = replace(world.rollouts.get(FRAUD, rollout), policy=world.policy)
    world.later(PLAN.tick_seconds)
    slow = [replace(a_prediction(f"slow-{n}", at=world.now), latency_ms=4.5) for n in range(10)]
    world.collect(slow, release=3)
    world.serve(2, 10)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
    weighed, (look,) = weigh_ticks(state, world.now, weighing=world.weighing)
    assert weighed.slow_from_ms is not None
    assert 3.0 <= weighed.slow_from_ms <= 3.5
    assert look.tick is not None
    assert look.tick.strata[RolloutMetric.LATENCY] == (Tally(10, 0, 10, 10),)


def test_the_declared_outcome_is_counted_by_request() -> None:
    """A candidate that flags everybody is rolled back although it answers."""
    world, rollout = a_world(Guard(RolloutMetric.OUTCOME), outcome=BadOutcome(score_at_least=0.9))
    world.later(PLAN.tick_seconds)
    calm, alarmed = a_table(60), a_table(60)
    calm.columns["amount"][:] = 0.0
    alarmed.columns["amount"][:] = 5.0
    world.serve(2, features=calm)
    world.serve(3, features=alarmed)
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.ROLLED_BACK
    assert "60 of 60 answers of the candidate had the bad outcome" in progress.reason


def test_labels_that_come_late_roll_back_and_count_once() -> None:
    """They are compared by when their predictions were served, and a file uploaded again adds nothing."""
    world, rollout = a_world(Guard(RolloutMetric.LABELS, margin=0.1))
    served(world)
    world.advance(rollout)
    assert world.split() == Split(2, 3, 50)
    world.later(PLAN.tick_seconds)
    world.serve(2, 60)
    label(world, right=[2])
    world.later(2 * PLAN.tick_seconds)
    world.advance(rollout)
    once = counted(world, rollout, RolloutMetric.LABELS)
    assert once == Tally(120, 0, 0, 0)
    label(world, right=[2])
    world.later(120)
    world.advance(rollout)
    assert counted(world, rollout, RolloutMetric.LABELS) == once
    for release in (2, 3):
        world.serve(release, 60, prefix="late-")
    label(world, right=[2], wrong=[3])
    world.later(120)
    progress = world.advance(rollout)
    assert progress.outcome is Outcome.ROLLED_BACK, progress.reason
    assert "labelled predictions of the candidate were wrong" in progress.reason


def test_five_percent_stay_on_stable_until_labels_have_come() -> None:
    """A policy that judges by labels gets a last step at which there is still something to compare with."""
    world, rollout = a_world(Guard(RolloutMetric.LABELS, margin=0.1))
    assert world.rollouts.get(FRAUD, rollout).plan.steps == (10, 50, 95)
    for _ in range(3):
        served(world)
        progress = world.advance(rollout)
    assert world.split() == Split(2, 3, 95)
    assert "no labels" in progress.reason


def test_a_damaged_label_file_holds_nothing_else_up() -> None:
    """What else was counted is weighed, and the reason names the file."""
    world, rollout = a_world(Guard(RolloutMetric.LABELS, margin=0.1))
    world.data.put(f"labels/{FRAUD}/broken.parquet", b"no parquet")
    served(world)
    progress = world.advance(rollout)
    assert world.split() == Split(2, 3, 50)
    assert "no whole Parquet file" in progress.reason
    assert "broken.parquet" in progress.reason


def test_hours_that_were_folded_while_nobody_looked_are_weighed_tick_by_tick() -> None:
    """After an outage each tick counts what was asked in it, and the first of an hour not the sum of it."""
    plan = replace(
        PLAN,
        guards=(ERRORS, Guard(RolloutMetric.OUTCOME)),
        outcome=BadOutcome(score_at_least=0.5),
        tick_seconds=600,
        horizon_seconds=86_400,
    )
    world = World(a_policy(rollout=plan))
    rollout = world.rollouts.get(FRAUD, world.canary())
    for _ in range(20):
        world.later(plan.tick_seconds)
        world.serve(2, 30)
        world.serve(3, 10, failures=1)
    world.later(3_600)
    _, unfolded = weigh_ticks(rollout, world.now, weighing=world.weighing)
    assert compact_profiles(FRAUD, compacting=world.compacting).hours
    _, folded = weigh_ticks(rollout, world.now, weighing=world.weighing)
    assert [look.tick.strata for look in folded if look.tick] == [look.tick.strata for look in unfolded if look.tick]


@pytest.mark.parametrize("tolerance", [None, 0.2])
def test_a_promotion_waits_where_scores_shift_by_more_than_the_policy_tolerates(tolerance: float | None) -> None:
    """Where it names no tolerance, a shift is told and holds nothing up."""
    world = World(a_policy(rollout=replace(PLAN, guards=(ERRORS,), score_shift_tolerance=tolerance)))
    rollout = world.canary()
    world.later(PLAN.tick_seconds)
    world.serve(2, 60)
    world.serve(3, features=a_table(60, shift=2.0))
    world.later(PLAN.tick_seconds + PLAN.watermark_seconds)
    progress = world.advance(rollout)
    assert world.split() == (Split(2, 3, 50) if tolerance is None else Split(2, 3, 10))
    assert ("scores have shifted" in progress.reason) is (tolerance is not None)
    evidence = world.rollouts.get(FRAUD, rollout).evidence
    assert evidence is not None
    assert evidence.scores is not None
    assert evidence.scores.log_e > 3


def label(world: World, *, right: list[int], wrong: Sequence[int] = ()) -> None:
    """Upload a file that labels every prediction of releases with what was said, or with the opposite."""
    start, end = world.now.replace(hour=0), world.now + timedelta(minutes=1)
    labels: dict[str, float] = {}
    for release in (*right, *wrong):
        records = world.records.read(FRAUD, release, start, end)
        said = np.asarray(records.columns["_score"], dtype=np.float64) >= 0.5
        true = said == (release in right)
        labels |= dict(zip(map(str, records.columns["_id"]), np.where(true, 1.0, 0.0).tolist(), strict=True))
    world.label(labels)
