"""Look at the live window: has it left the population that the live model version was validated on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from serinus.domain.drift import DriftReport
from serinus.domain.figures import figures_of_drift
from serinus.domain.ledger import Action
from serinus.domain.policy import Policy
from serinus.domain.rollout import Release
from serinus.domain.shifts import Moved, Shift
from serinus.use_cases.announce import Announcement, announce
from serinus.use_cases.live_window import Reading
from serinus.use_cases.look_for_drift import look_for_drift
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.ledger import Events, Ledger, Metrics

_TOLD = 5  # features whose impact is told


@dataclass(frozen=True)
class Watching:
    """What watching needs of the world."""

    reading: Reading
    ledger: Ledger
    events: Events
    metrics: Metrics
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
    often the schedule fires; a second retraining on the same data makes the same model version.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    now = watching.clock()
    look = look_for_drift(endpoint, at=now, reading=watching.reading)
    if look is None:
        return DriftCheck(endpoint, None, None, announced=False, reason="nothing is released yet")
    report, release, limits = look.report, look.window.release, look.policy.drift
    watching.metrics.put(endpoint, release.number, figures_of_drift(report))
    if not report.enough:
        reason = f"{report.rows} of {limits.minimum_rows} rows in the last {limits.window_minutes} minutes"
        return DriftCheck(endpoint, release.number, report, announced=False, reason=reason)
    if not report.drifted:
        return DriftCheck(endpoint, release.number, report, announced=False, reason="no drift")
    announced = announce(
        _announcement(look.policy, release, report),
        at=now,
        rollouts=watching.reading.rollouts,
        ledger=watching.ledger,
        events=watching.events,
    )
    return DriftCheck(endpoint, release.number, report, announced, _described(report))


def _announcement(policy: Policy, release: Release, report: DriftReport) -> Announcement:
    labels_wait = policy.retraining.labels_wait_minutes if policy.retraining else 0
    return Announcement(
        endpoint=policy.endpoint,
        release=release,
        deed="drift",
        event="DriftDetected",
        action=Action.DRIFT_DETECTED,
        actor="detect_drift",
        details={
            "rows": report.rows,
            "reason": _described(report),
            "retrain": policy.retraining is not None,
            **_impact(report),
        },
        cooling=timedelta(minutes=max(policy.drift.window_minutes, labels_wait)),
    )


def _described(report: DriftReport) -> str:
    moved = [shift for shift in report.ranked if shift.drifted]
    if report.score and report.score.drifted:
        moved = [report.score, *moved]
    if report.joint and report.joint.drifted:
        moved = [*moved, report.joint]
    return f"{', '.join(map(_told, moved))} in {report.rows} rows"


def _impact(report: DriftReport) -> dict[str, str]:
    """Tell which features weigh most: by how much they matter to the model, times how far they have moved."""
    weighed = [f"{shift.name} {shift.impact:.3f}" for shift in report.ranked[:_TOLD] if shift.impact is not None]
    return {"impact": ", ".join(weighed)} if weighed else {}


def _told(shift: Shift) -> str:
    told = []
    if Moved.DISTRIBUTION in shift.moved:
        told.append(f"PSI {shift.psi:.2f}, limit {shift.limit:g}")
    if Moved.MISSING in shift.moved:
        told.append(f"missing {shift.missing_change:+.1%}")
    if Moved.UNSEEN in shift.moved:
        told.append(f"outside the reference {shift.unseen_change:+.1%}")
    return f"{shift.name} ({'; '.join(told)})"
