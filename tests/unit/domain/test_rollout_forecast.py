"""What a rollout will take, and the plan that fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serinus.domain.guard import DEFAULT_GUARDS, Guard, RolloutMetric
from serinus.domain.rollout_forecast import Demand, Pace, automatic_plan, bad_served, forecast

BUSY = Demand(200 * 60, {RolloutMetric.ERRORS: 0.005})
QUIET = Demand(500 / 24, {RolloutMetric.ERRORS: 0.005})
SILENT = Demand(0, {})
DAY = Pace(tick_seconds=60, watermark_seconds=0, horizon_seconds=86_400)
SLOW_DAY = replace(DAY, tick_seconds=1_800)


def test_steps_add_up_to_the_whole() -> None:
    """Each step has requests and hours of its own, and together they are about the rollout's."""
    found = forecast((5, 25, 50), DEFAULT_GUARDS, BUSY, DAY)
    assert [step.percent for step in found.steps] == [5, 25, 50]
    hours = [step.hours for step in found.steps if step.hours is not None]
    assert found.hours is not None
    assert found.hours == pytest.approx(sum(hours), rel=0.2)
    assert found.hours_p95 is not None
    assert found.hours_p95 > found.hours
    assert found.in_time == 1
    first = found.steps[0]
    assert first.candidate_requests == pytest.approx(0.05 * (first.requests or 0))


def test_the_same_question_has_the_same_answer() -> None:
    """A forecast is seeded, so that two looks do not differ."""
    assert forecast((50,), DEFAULT_GUARDS, QUIET, SLOW_DAY) == forecast((50,), DEFAULT_GUARDS, QUIET, SLOW_DAY)


def test_a_higher_base_rate_and_late_logs_take_longer() -> None:
    """Evidence is dearer where more fails by nature; the watermark comes on top at each step."""
    base = forecast((10, 50), DEFAULT_GUARDS, BUSY, DAY).hours
    dear = forecast((10, 50), DEFAULT_GUARDS, replace(BUSY, bad_shares={RolloutMetric.ERRORS: 0.02}), DAY).hours
    late = forecast((10, 50), DEFAULT_GUARDS, BUSY, replace(DAY, watermark_seconds=1_800)).hours
    assert base is not None
    assert dear is not None
    assert dear > 1.5 * base
    assert late == pytest.approx(base + 1)


@pytest.mark.parametrize("demand", [SILENT, Demand(0.01, {})])
def test_without_traffic_nothing_can_be_said(demand: Demand) -> None:
    """No requests, or next to none, give no hours rather than large ones."""
    found = forecast((5, 50), DEFAULT_GUARDS, demand, DAY)
    assert found.hours is None
    assert found.in_time == 0
    assert all(step.hours is None for step in found.steps)


def test_guards_that_prove_nothing_promote_nothing() -> None:
    """Where no guard is asked before a promotion, none is foreseen."""
    assert forecast((50,), [Guard(RolloutMetric.ERRORS)], BUSY, DAY).hours is None
    assert bad_served((50,), [Guard(RolloutMetric.LATENCY)], BUSY, DAY) == 0


def test_smaller_steps_put_less_at_risk() -> None:
    """The first step decides what a bad candidate can do."""
    risks = [bad_served(steps, DEFAULT_GUARDS, QUIET, SLOW_DAY) for steps in ((5, 25, 50), (20, 50), (50,))]
    assert risks == sorted(risks)


def test_a_busy_endpoint_keeps_its_margins() -> None:
    """With traffic enough the plan is the finest, with the policy's own margins."""
    plan = automatic_plan(DEFAULT_GUARDS, BUSY, DAY, at_risk=20)
    assert plan.fits
    assert plan.steps == (5, 25, 50)
    assert plan.guards == DEFAULT_GUARDS


def test_a_quiet_endpoint_gets_wider_margins_and_fewer_steps() -> None:
    """At 500 requests a day a day suffices for one step with a margin of three points."""
    plan = automatic_plan(DEFAULT_GUARDS, QUIET, SLOW_DAY, at_risk=20)
    assert plan.fits
    assert plan.steps == (50,)
    assert plan.guards[0].margin == pytest.approx(0.03)
    assert plan.guards[1:] == DEFAULT_GUARDS[1:]
    assert "within the 24 h" in plan.reason


def test_more_time_narrows_the_margin() -> None:
    """Three days at the same traffic suffice for a narrower one, in smaller steps."""
    plan = automatic_plan(DEFAULT_GUARDS, QUIET, replace(SLOW_DAY, horizon_seconds=3 * 86_400), at_risk=8)
    assert plan.fits
    assert plan.guards[0].margin == pytest.approx(0.02)
    assert plan.forecast.at_risk <= 8


@pytest.mark.parametrize(("demand", "at_risk"), [(SILENT, 20.0), (QUIET, 1.0), (Demand(2, {}), 20.0)])
def test_what_does_not_fit_is_said(demand: Demand, at_risk: float) -> None:
    """No traffic, no risk, too little time: the nearest plan is named, and that it does not fit."""
    plan = automatic_plan(DEFAULT_GUARDS, demand, SLOW_DAY, at_risk=at_risk)
    assert not plan.fits
    assert plan.reason.startswith("nothing fits")
    assert "longer horizon" in plan.reason
