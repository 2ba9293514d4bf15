"""Estimate how good the live release is while its labels have not come, and say so where it is not good enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from serinus.domain.chance import noise_within
from serinus.domain.figures import figures_of_estimate
from serinus.domain.grouping import grouped, groups_of
from serinus.domain.ledger import Action
from serinus.domain.performance_estimate import (
    BrokenFloor,
    PerformanceEstimate,
    broken_floors,
    calibrate,
)
from serinus.domain.performance_estimate import (
    estimate_performance as estimate,
)
from serinus.domain.policy import Policy
from serinus.domain.quality import ScoreTable
from serinus.domain.task import Task
from serinus.use_cases.announce import Announcement, announce
from serinus.use_cases.live_window import LiveWindow, Reading, live_release, live_window
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.ledger import Events, Ledger, Metrics


@dataclass(frozen=True)
class Estimating:
    """What estimating needs of the world."""

    reading: Reading
    ledger: Ledger
    events: Events
    metrics: Metrics
    clock: Clock


@dataclass(frozen=True)
class PerformanceCheck:
    """The result: `estimate` is `None` where nothing can be estimated, and `reason` says why."""

    endpoint: str
    release: int | None
    estimate: PerformanceEstimate | None
    broken: tuple[BrokenFloor, ...]
    announced: bool
    reason: str


def estimate_performance(endpoint: str, *, estimating: Estimating) -> PerformanceCheck:
    """Estimate the live window's performance from its scores, and hold it against the policy's floors.

    Announced once in a window's length, as drift is.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = estimating.reading.policies.get(endpoint)
    limits, now = policy.performance, estimating.clock()
    live = live_release(endpoint, reading=estimating.reading)
    if live is None:
        return PerformanceCheck(endpoint, None, None, (), announced=False, reason="nothing is released yet")
    release, reference = live
    if policy.task is not Task.BINARY:
        reason = f"the policy's task is {policy.task}: only a binary score tells its performance without labels"
        return PerformanceCheck(endpoint, release.number, None, (), announced=False, reason=reason)
    start = now - timedelta(minutes=limits.window_minutes)
    window = live_window(release, reference, parts=estimating.reading.parts, start=start, end=now)
    rows = window.profile.rows
    if rows < limits.minimum_rows:
        reason = f"{rows} of {limits.minimum_rows} rows in the last {limits.window_minutes} minutes"
        return PerformanceCheck(endpoint, release.number, None, (), announced=False, reason=reason)
    found = estimate_of(window, estimating.reading.references.held_out(endpoint, release.content_digest), policy)
    if not found.metrics:
        reason = "the held-out labels do not tell what a score means: they need both classes, and chances as scores"
        return PerformanceCheck(endpoint, release.number, found, (), announced=False, reason=reason)
    estimating.metrics.put(endpoint, release.number, figures_of_estimate(found, policy.floors))
    broken = broken_floors(policy.floors, found.metrics)
    if not broken:
        return PerformanceCheck(endpoint, release.number, found, (), announced=False, reason="within its floors")
    reason = _described(found, broken, policy)
    announcement = Announcement(
        endpoint=policy.endpoint,
        release=release,
        deed="performance",
        event="PerformanceDropped",
        action=Action.PERFORMANCE_DROPPED,
        actor="estimate_performance",
        details={"rows": found.rows, "reason": reason, "realised": False},
        cooling=timedelta(minutes=limits.window_minutes),
    )
    announced = announce(
        announcement, at=now, rollouts=estimating.reading.rollouts, ledger=estimating.ledger, events=estimating.events
    )
    return PerformanceCheck(endpoint, release.number, found, broken, announced, reason)


def estimate_of(window: LiveWindow, held_out: ScoreTable | None, policy: Policy) -> PerformanceEstimate:
    """Estimate the performance of a window; its own bursts widen the interval."""
    scores = window.profile.scores
    groups = groups_of(window.reference.layout.score, scores)
    periods = grouped(groups, np.stack([period.scores for period in window.periods]))
    return estimate(
        None if held_out is None else calibrate(held_out),
        scores,
        policy.operating_threshold,
        confidence=policy.performance.confidence,
        design_effect=float(noise_within(periods).design_effect),
    )


def _described(found: PerformanceEstimate, broken: tuple[BrokenFloor, ...], policy: Policy) -> str:
    told = []
    for each in broken:
        limit = (
            f"minimum {each.floor.minimum:g}"
            if each.floor.minimum is not None and each.estimate.high < each.floor.minimum
            else f"maximum {each.floor.maximum:g}"
        )
        estimated = each.estimate
        told.append(
            f"{each.floor.metric} about {estimated.value:.3f} ({estimated.low:.3f} to {estimated.high:.3f}, {limit})"
        )
    return f"{', '.join(told)} in {found.rows} rows, estimated without labels at {policy.performance.confidence:.0%}"
