"""Choosing the steps: the policy's, or those that the traffic calls for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from serinus.domain.guard import DEFAULT_GUARDS, Guard, RolloutMetric
from serinus.domain.profile import ProfilePart, RequestCounts
from serinus.domain.rollout_forecast import Demand
from serinus.use_cases.choose_plan import choose_plan, demand_of, forecast_plan
from tests.builders import FRAUD, PLAN, World

AUTOMATIC = replace(PLAN, steps=(), guards=DEFAULT_GUARDS, horizon_seconds=86_400)


def a_world(*, requests: int, failures: int = 0, hours: float = 20) -> World:
    """Return a world whose release 2 has been live for some hours, and was asked so much in them."""
    world = World()
    world.published()
    release = world.rollouts.release(FRAUD, 2)
    assert release is not None
    reference = world.references.get(FRAUD, release.content_digest)
    assert reference is not None
    world.later(3600 * hours)
    answered = reference.layout.outcomes_section.start
    slots = np.array([answered, answered + 2], dtype=np.int64)
    times = np.array([requests - failures, failures], dtype=np.int64)
    counts = RequestCounts("all", world.now - timedelta(hours=1), slots, times)
    part = ProfilePart(reference.layout.digest, "s", (counts,))
    world.parts.put(FRAUD, 2, f"{counts.at:%Y-%m-%dT%H:%M}", part)
    return world


def test_the_policys_steps_are_taken_as_they_are() -> None:
    """Whoever names them means them."""
    world = a_world(requests=100)
    plan = choose_plan(PLAN, world.rollouts.release(FRAUD, 2), world.now, choosing=world.choosing)
    assert (plan.steps, plan.guards) == (PLAN.steps, PLAN.guards)


def test_labels_keep_a_few_requests_on_stable() -> None:
    """A last step of 95 % follows, unless the policy goes that far itself."""
    labels = (*PLAN.guards, Guard(RolloutMetric.LABELS))
    world = a_world(requests=100)
    live = world.rollouts.release(FRAUD, 2)
    for steps, expected in (((10, 50), (10, 50, 95)), ((50, 97), (50, 97))):
        plan = choose_plan(replace(PLAN, steps=steps, guards=labels), live, world.now, choosing=world.choosing)
        assert plan.steps == expected


def test_before_anything_is_released_there_is_nothing_to_reckon_with() -> None:
    """The first release goes live after its smoke test, whatever the steps."""
    world = World()
    assert "nothing is released yet" in choose_plan(AUTOMATIC, None, world.now, choosing=world.choosing).reason


@pytest.mark.parametrize(("requests", "first_step"), [(400_000, 5), (10_000, 20)])
def test_much_traffic_begins_small_and_little_traffic_large(requests: int, first_step: int) -> None:
    """The first step is as careful as the horizon allows, and the reason tells the numbers."""
    world = a_world(requests=requests, failures=requests // 200)
    plan = choose_plan(AUTOMATIC, world.rollouts.release(FRAUD, 2), world.now, choosing=world.choosing)
    assert plan.steps[0] <= 5 if first_step == 5 else plan.steps[0] >= 10
    assert "requests an hour" in plan.reason


def test_the_demand_is_that_of_the_last_day_or_since_the_release_is_live() -> None:
    """With the share of bad requests by each metric."""
    world = a_world(requests=2_000, failures=20, hours=20)
    live = world.rollouts.release(FRAUD, 2)
    assert live is not None
    demand = demand_of(AUTOMATIC, live, world.now, choosing=world.choosing)
    assert demand.requests_per_hour == pytest.approx(100)
    assert demand.bad_shares[RolloutMetric.ERRORS] == pytest.approx(0.01)
    assert RolloutMetric.LATENCY not in demand.bad_shares
    world.later(30 * 3600)
    assert demand_of(AUTOMATIC, live, world.now, choosing=world.choosing).requests_per_hour == 0


def test_a_plan_says_what_each_step_takes() -> None:
    """More traffic, less time."""
    world = a_world(requests=100)
    plan = choose_plan(PLAN, world.rollouts.release(FRAUD, 2), world.now, choosing=world.choosing)
    slow, fast = (
        forecast_plan(PLAN, plan, Demand(per_hour, {RolloutMetric.ERRORS: 0.005})) for per_hour in (1_000, 20_000)
    )
    assert [step.percent for step in slow.steps] == [10, 50]
    assert slow.hours is not None
    assert fast.hours is not None
    assert fast.hours < slow.hours
