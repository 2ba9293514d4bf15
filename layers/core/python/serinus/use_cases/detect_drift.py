"""Look at the live window: has it left the population that the live model version was validated on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.drift import DriftReport, compare
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.policy import Policy
from serinus.domain.profile import of_parts
from serinus.domain.rollout import Release
from serinus.use_cases.ports import (
    Clock,
    Events,
    Ledger,
    Policies,
    ProfileParts,
    References,
    Rollouts,
    Traffic,
)


@dataclass(frozen=True)
class Watching:
    """What watching needs of the world."""

    policies: Policies
    rollouts: Rollouts
    traffic: Traffic
    references: References
    parts: ProfileParts
    ledger: Ledger
    events: Events
    clock: Clock


@dataclass(frozen=True)
class DriftCheck:
    """The result: `report` is `None` where there is nothing to compare, and `reason` says why."""

    endpoint: str
    release: int | None
    report: DriftReport | None
    announced: bool
    reason: str


def detect_drift(endpoint: str, *, watching: Watching) -> DriftCheck:
    """Compare the live window of the stable release with its model version's reference profile.

    Drift of one release is announced again only after a cooling-off time, so that it starts one retraining however
    often the schedule fires. The announcement is sent before it is recorded: a check that dies in between announces
    again, and a second retraining on the same data makes the same model version.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = watching.policies.get(endpoint)
    now = watching.clock()
    release = watching.rollouts.release(endpoint, watching.traffic.current(endpoint).stable)
    reference = watching.references.get(endpoint, release.content_digest) if release else None
    if release is None or reference is None:
        return DriftCheck(endpoint, None, None, announced=False, reason="nothing is released yet")
    start = now - timedelta(minutes=policy.drift.window_minutes)
    parts = watching.parts.read(endpoint, release.number, start, now)
    report = compare(reference, of_parts(reference.layout, parts, start, now), policy.drift)
    if not report.enough:
        reason = (
            f"{report.rows} of {policy.drift.minimum_rows} rows in the last {policy.drift.window_minutes} minutes"
        )
        return DriftCheck(endpoint, release.number, report, announced=False, reason=reason)
    if not report.drifted:
        return DriftCheck(endpoint, release.number, report, announced=False, reason="no drift")
    announced = _announce(policy, release, report, now, watching)
    return DriftCheck(endpoint, release.number, report, announced, _described(report))


def _announce(policy: Policy, release: Release, report: DriftReport, now: datetime, watching: Watching) -> bool:
    if watching.rollouts.active(policy.endpoint) is not None:
        return False  # the cure may be on its way; the next check sees what it changed
    cooling = _cooling_seconds(policy)
    period = int(now.timestamp() // cooling)
    before, deed = (f"drift:{release.number}:{number}" for number in (period - 1, period))
    earlier = [entry for entry in (watching.ledger.find(policy.endpoint, name) for name in (before, deed)) if entry]
    if any(now - entry.at < timedelta(seconds=cooling) for entry in earlier):
        return False
    details: dict[str, Detail] = {
        "release": release.number,
        "version": release.model_version,
        "rows": report.rows,
        "reason": _described(report),
        "retrain": policy.retraining is not None,
    }
    watching.events.publish("DriftDetected", policy.endpoint, details)
    watching.ledger.append(LedgerEntry(policy.endpoint, deed, Action.DRIFT_DETECTED, "detect_drift", now, details))
    return True


def _cooling_seconds(policy: Policy) -> int:
    labels_wait = policy.retraining.labels_wait_minutes if policy.retraining else 0
    return 60 * max(policy.drift.window_minutes, labels_wait)


def _described(report: DriftReport) -> str:
    moved = sorted((shift for shift in report.features if shift.drifted), key=lambda shift: -shift.psi)
    if report.score and report.score.drifted:
        moved = [report.score, *moved]
    named = ", ".join(f"{shift.name} (PSI {shift.psi:.2f}, limit {shift.limit:g})" for shift in moved)
    return f"{named} in {report.rows} rows"
