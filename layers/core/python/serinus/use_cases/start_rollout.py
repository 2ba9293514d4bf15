"""Begin a rollout: take the endpoint's lock and pin the policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.policy import RolloutPlan
from serinus.domain.rollout import Outcome, Release, Rollout
from serinus.errors import RolloutInProgress
from serinus.use_cases.choose_plan import Choosing, choose_plan
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
    choosing: Choosing
    ledger: Ledger
    events: Events
    clock: Clock


def start_rollout(
    endpoint: str, number: int, *, execution: str, starting: Starting, asked_at: datetime | None = None
) -> Start:
    """Start the rollout of a validated model version; the same execution again gets the same rollout.

    Whether it may replace what is live is looked at while it holds the lock, so that nothing else goes live in
    between. One that may not is kept as a rollout that failed, with the reason: whoever waits for it reads that.

    Args:
        endpoint: whose traffic it is to get.
        number: the model version.
        execution: the pipeline execution that carries it.
        starting: what it needs of the world.
        asked_at: when that execution began, and with it perhaps a wait for other rollouts.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        ModelVersionNotFound: there is no such version.
    """
    policy = starting.policies.get(endpoint)
    version = starting.versions.get(endpoint, number)
    if version.status is not Status.VALIDATED:
        return Start(endpoint, StartStatus.REFUSED, reason=f"version {number} is {version.status}, not validated")
    now = starting.clock()
    plan = choose_plan(policy.rollout, _live(endpoint, starting), now, choosing=starting.choosing)
    rollout = Rollout(
        id=f"v{number}-{hashlib.sha256(execution.encode()).hexdigest()[:10]}",
        endpoint=version.endpoint,
        model_version=number,
        policy=policy,
        plan=plan,
        execution=execution,
        started_at=now,
    )
    active = starting.rollouts.active(endpoint)
    if active is None and _is_live(version.content_digest, endpoint, starting):
        return Start(endpoint, StartStatus.REFUSED, reason=f"version {number} is live already")
    try:
        started = starting.rollouts.start(rollout)
    except RolloutInProgress as busy:
        return Start(endpoint, StartStatus.BUSY, wait_seconds=_pause_seconds(policy.rollout), reason=str(busy))
    if started.outcome is Outcome.FAILED and started.candidate is None:
        return Start(endpoint, StartStatus.REFUSED, started.id, reason=started.reason)
    if started.outcome is None and started.candidate is None:
        against = _refused_before(started, starting) or _against(version, asked_at, starting)
        if against is not None:
            return _refuse(started, against, starting)
    _record(started, starting)
    return Start(endpoint, StartStatus.STARTED, started.id)


def _pause_seconds(plan: RolloutPlan) -> int:
    """Ask seldom enough that the wait for another rollout's whole horizon fits into an execution's history."""
    return max(plan.tick_seconds, plan.horizon_seconds // 100)


def _is_live(content_digest: str, endpoint: str, starting: Starting) -> bool:
    release = _live(endpoint, starting)
    return release is not None and release.content_digest == content_digest


def _live(endpoint: str, starting: Starting) -> Release | None:
    return starting.rollouts.release(endpoint, starting.traffic.current(endpoint).stable)


def _against(version: ModelVersion, asked_at: datetime | None, starting: Starting) -> str | None:
    """Say what stands against replacing what is live; `None` where nothing does."""
    release = _live(version.endpoint, starting)
    if release is None:
        return None
    if asked_at is not None and _is_newer(release, version, asked_at, starting):
        return f"superseded by version {release.model_version}, which was released meanwhile"
    live = starting.versions.get(version.endpoint, release.model_version)
    difference = version.manifest.signature.accepts_callers_of(live.manifest.signature)
    if difference is None:
        return None
    return (
        f"callers of version {live.number}, which is live, could not use version {version.number}: {difference}; "
        "push it to an endpoint of its own"
    )


def _refused_before(rollout: Rollout, starting: Starting) -> str | None:
    """Return why an earlier try refused it, should that have died before it could free the lock."""
    entry = starting.ledger.find(rollout.endpoint, f"ended:{rollout.id}")
    return None if entry is None else str(entry.details["reason"])


def _is_newer(live: Release, version: ModelVersion, asked_at: datetime, starting: Starting) -> bool:
    """Whether a newer version went live while this one waited; asking for an older one afterwards is no such case."""
    return live.model_version > version.number and any(
        rollout.model_version == live.model_version and rollout.started_at > asked_at
        for rollout in starting.rollouts.list(version.endpoint)
    )


def _refuse(rollout: Rollout, reason: str, starting: Starting) -> Start:
    """End it before it began; the ledger comes first, as in `end_rollout`, so that a retry completes the rest."""
    now = starting.clock()
    details: dict[str, Detail] = {
        "rollout": rollout.id,
        "version": rollout.model_version,
        "candidate": None,
        "stable": None,
        "outcome": str(Outcome.FAILED),
        "reason": reason,
    }
    entry = LedgerEntry(rollout.endpoint, f"ended:{rollout.id}", Action.ROLLOUT_ENDED, "start_rollout", now, details)
    starting.ledger.append(entry)
    starting.rollouts.save(rollout.ended(Outcome.FAILED, reason, at=now), replaced=rollout)
    starting.events.publish("RolloutFailed", rollout.endpoint, details)
    return Start(rollout.endpoint, StartStatus.REFUSED, rollout.id, reason=reason)


def _record(rollout: Rollout, starting: Starting) -> None:
    details: dict[str, Detail] = {
        "rollout": rollout.id,
        "version": rollout.model_version,
        "policy": rollout.policy.digest,
        "plan": rollout.plan.reason,
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
