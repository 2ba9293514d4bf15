"""Begin a rollout: take the endpoint's lock and pin the policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import Status
from serinus.domain.policy import RolloutPlan
from serinus.domain.rollout import Rollout
from serinus.errors import RolloutInProgress
from serinus.use_cases.ports import Clock, Events, Ledger, ModelVersions, Policies, Rollouts, Traffic


class StartStatus(StrEnum):
    """Whether the rollout goes on."""

    STARTED = "started"
    BUSY = "busy"
    REFUSED = "refused"


@dataclass(frozen=True)
class Start:
    """The result: `wait_seconds` is when to try again where the endpoint is busy."""

    endpoint: str
    status: StartStatus
    rollout: str | None = None
    wait_seconds: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Starting:
    """What starting a rollout needs of the world."""

    policies: Policies
    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic
    ledger: Ledger
    events: Events
    clock: Clock


def start_rollout(endpoint: str, number: int, *, execution: str, starting: Starting) -> Start:
    """Start the rollout of a validated model version; the same execution again gets the same rollout.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        ModelVersionNotFound: there is no such version.
    """
    policy = starting.policies.get(endpoint)
    version = starting.versions.get(endpoint, number)
    if version.status is not Status.VALIDATED:
        return Start(endpoint, StartStatus.REFUSED, reason=f"version {number} is {version.status}, not validated")
    rollout = Rollout(
        id=f"v{number}-{hashlib.sha256(execution.encode()).hexdigest()[:10]}",
        endpoint=version.endpoint,
        model_version=number,
        policy=policy,
        execution=execution,
        started_at=starting.clock(),
    )
    active = starting.rollouts.active(endpoint)
    if active is None and _is_live(version.content_digest, endpoint, starting):
        return Start(endpoint, StartStatus.REFUSED, reason=f"version {number} is live already")
    try:
        started = starting.rollouts.start(rollout)
    except RolloutInProgress as busy:
        return Start(endpoint, StartStatus.BUSY, wait_seconds=_pause_seconds(policy.rollout), reason=str(busy))
    _record(started, starting)
    return Start(endpoint, StartStatus.STARTED, started.id)


def _pause_seconds(plan: RolloutPlan) -> int:
    """Ask seldom enough that the wait for another rollout's whole horizon fits into an execution's history."""
    return max(plan.tick_seconds, plan.horizon_seconds // 100)


def _is_live(content_digest: str, endpoint: str, starting: Starting) -> bool:
    release = starting.rollouts.release(endpoint, starting.traffic.current(endpoint).stable)
    return release is not None and release.content_digest == content_digest


def _record(rollout: Rollout, starting: Starting) -> None:
    details: dict[str, Detail] = {
        "rollout": rollout.id,
        "version": rollout.model_version,
        "policy": rollout.policy.digest,
    }
    entry = LedgerEntry(
        rollout.endpoint,
        f"started:{rollout.id}",
        Action.ROLLOUT_STARTED,
        "start_rollout",
        rollout.started_at,
        details,
    )
    starting.ledger.append(entry)
    starting.events.publish("RolloutStarted", rollout.endpoint, details)
