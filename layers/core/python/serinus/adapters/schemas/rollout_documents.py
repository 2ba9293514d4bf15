"""Rollouts as JSON, as the control API and the command line tell of them: add freely, take nothing away."""

from __future__ import annotations

from serinus.domain.rollout import Decision, Look, Rollout
from serinus.domain.steering import Steering
from serinus.use_cases.describe_rollout import DescribedRollout
from serinus.use_cases.ports.rollouts import ReturnedTraffic
from serinus.use_cases.request_rollout import RequestedRollout


def rollout_document(rollout: Rollout) -> dict[str, object]:
    """A rollout, and the last look that was taken at it."""
    last = rollout.last_look
    return {
        "id": rollout.id,
        "endpoint": rollout.endpoint,
        "version": rollout.model_version,
        "stable": rollout.stable,
        "candidate": rollout.candidate,
        "stage": str(rollout.stage),
        "step": rollout.step,
        "steps": list(rollout.plan.steps),
        "candidate_percent": rollout.candidate_percent,
        "started_at": rollout.started_at.isoformat(),
        "ended_at": None if rollout.ended_at is None else rollout.ended_at.isoformat(),
        "outcome": None if rollout.outcome is None else str(rollout.outcome),
        "reason": rollout.reason,
        "paused": rollout.paused and rollout.outcome is None,
        "steering": None if rollout.steering is None else _steering_document(rollout.steering),
        "last_decision": None if last is None else _look_document(last),
    }


def described_document(described: DescribedRollout, *, decisions: int) -> dict[str, object]:
    """A rollout and the latest looks at it, in order."""
    looks = described.decisions
    return {
        "rollout": rollout_document(described.rollout),
        "decisions": [_look_document(look) for look in looks[max(len(looks) - decisions, 0) :]],
        "decisions_in_all": len(looks),
    }


def requested_document(requested: RequestedRollout) -> dict[str, object]:
    """What became of the wish for a rollout."""
    return {
        "endpoint": requested.endpoint,
        "version": requested.version,
        "rollout": requested.rollout,
        "status": str(requested.status),
        "waits_for": requested.waits_for,
    }


def returned_document(endpoint: str, returned: ReturnedTraffic) -> dict[str, object]:
    """Where traffic goes after a roll-back."""
    return {
        "endpoint": endpoint,
        "status": "rolled_back" if returned.changed else "nothing_to_do",
        "stable": returned.split.stable,
        "candidate": returned.split.candidate,
        "candidate_percent": returned.split.candidate_percent,
        "rollout": returned.rollout,
        "reason": returned.reason,
    }


def _steering_document(steering: Steering) -> dict[str, object]:
    return {
        "wish": str(steering.wish),
        "actor": steering.actor,
        "reason": steering.reason,
        "at": steering.at.isoformat(),
        "forced": steering.forced,
    }


def _look_document(look: Decision | Look) -> dict[str, object]:
    return {"at": look.at.isoformat(), "verdict": str(look.verdict), "reason": look.reason}
