"""Choose the steps that a rollout takes, and say what they will take of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.guard import RolloutMetric
from serinus.domain.latency import slow_from_ms
from serinus.domain.profile import of_parts
from serinus.domain.rollout import ChosenPlan, Release
from serinus.domain.rollout_forecast import Demand, Forecast, Pace, automatic_plan, forecast
from serinus.domain.rollout_plan import RolloutPlan
from serinus.domain.stable_past import StablePast
from serinus.use_cases.ports.registry import References
from serinus.use_cases.ports.watching import ProfileParts

_LOOKED_AT = timedelta(hours=24)
_UNTIL_LABELS = 95  # percent; labels compare nothing once stable has no traffic
_UNCOMPARED = (5, 25, 50)


@dataclass(frozen=True)
class Choosing:
    """What choosing needs of the world."""

    references: References
    parts: ProfileParts


def choose_plan(
    plan: RolloutPlan, stable: Release | None, now: datetime, *, choosing: Choosing, demand: Demand | None = None
) -> ChosenPlan:
    """Return the steps that the policy names; where it names none, those that the endpoint's traffic calls for.

    Args:
        plan: what the policy says.
        stable: the release that is live; `None` before anything was released.
        now: the time; the traffic of the 24 hours before it is what is reckoned with.
        choosing: what it needs of the world.
        demand: the traffic to reckon with instead.
    """
    if plan.steps:
        return ChosenPlan(_with_labels(plan.steps, plan), plan.guards, "steps as the policy says")
    if stable is None:
        return ChosenPlan(_UNCOMPARED, plan.guards, "nothing is released yet, so there is nothing to compare with")
    demand = demand or demand_of(plan, stable, now, choosing=choosing)
    chosen = automatic_plan(plan.guards, demand, pace_of(plan), at_risk=plan.most_bad_requests)
    return ChosenPlan(_with_labels(chosen.steps, plan), chosen.guards, chosen.reason)


def forecast_plan(plan: RolloutPlan, chosen: ChosenPlan, demand: Demand) -> Forecast:
    """Say what the chosen steps will take at a demand."""
    return forecast(chosen.steps, chosen.guards, demand, pace_of(plan))


def pace_of(plan: RolloutPlan) -> Pace:
    """Return how a policy's rollouts are looked at."""
    return Pace(plan.tick_seconds, plan.watermark_seconds, plan.horizon_seconds)


def demand_of(plan: RolloutPlan, stable: Release, now: datetime, *, choosing: Choosing) -> Demand:
    """Return what the endpoint was asked in the last 24 hours, and how much of it went wrong.

    Where the release has been live for less, its rate since then counts.
    """
    reference = choosing.references.get(stable.endpoint, stable.content_digest)
    if reference is None:
        return Demand(0.0, {})
    start = max(now - _LOOKED_AT, stable.published_at)
    parts = choosing.parts.read(stable.endpoint, stable.number, start, now)
    profile = of_parts(reference.layout, parts, start, now)
    hours = max((now - start) / timedelta(hours=1), 1 / 60)
    past = StablePast.of(profile, slow_from_ms=slow_from_ms(profile, slo_ms=plan.slo_latency_ms))
    return Demand(profile.requests / hours, past.bad_shares)


def _with_labels(steps: tuple[int, ...], plan: RolloutPlan) -> tuple[int, ...]:
    """Keep a few requests on stable until labels have come, where the policy judges by them."""
    judged_by_labels = any(guard.metric is RolloutMetric.LABELS for guard in plan.guards)
    return (*steps, _UNTIL_LABELS) if judged_by_labels and steps[-1] < _UNTIL_LABELS else steps
