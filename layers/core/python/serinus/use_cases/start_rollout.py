"""Begin a rollout: take the endpoint's lock and pin the policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from serinus.domain.composition import Composition, Deployment, differences
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.rollout import Outcome, Release, Rollout, rollout_id
from serinus.domain.rollout_plan import RolloutPlan, WhenBusy
from serinus.errors import RolloutInProgress
from serinus.use_cases.choose_plan import Choosing, choose_plan
from serinus.use_cases.end_rollout import ended_details
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Deployments, Policies
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Rollouts


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
    deployments: Deployments


@dataclass(frozen=True)
class _Asked:
    """Who asks: an execution, since when, and whether for a deploy, whose model is the one that is live."""

    execution: str
    asked_at: datetime | None
    deployment: str | None


def start_rollout(
    endpoint: str,
    number: int | None,
    *,
    execution: str,
    starting: Starting,
    asked_at: datetime | None = None,
    deployment: str | None = None,
) -> Start:
    """Start the rollout of a model version, or of a deploy; the same execution again gets the same rollout.

    Whether it may replace what is live is looked at while it holds the lock, so that nothing else goes live in
    between. One that may not is kept as a rollout that failed, with the reason: whoever waits for it reads that.

    Args:
        endpoint: whose traffic it is to get.
        number: the model version; `None` for a deploy, which comes with the one that is live when its turn comes.
        execution: the pipeline execution that carries it.
        starting: what it needs of the world.
        asked_at: when that execution began, and with it perhaps a wait for other rollouts.
        deployment: the deploy that is to be rolled out, and no later one.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        ModelVersionNotFound: there is no such version.
    """
    policy, deployed = starting.policies.get(endpoint), starting.deployments.current(endpoint)
    active = starting.rollouts.active(endpoint)  # before what is live is read: with none active, that stays live
    live = _live(endpoint, starting)
    mine = active is not None and active.execution == execution
    if number is None and live is None:
        return Start(endpoint, StartStatus.REFUSED, reason="nothing is released yet")
    if deployment not in {None, deployed.id} and not mine:
        return Start(endpoint, StartStatus.REFUSED, reason="superseded by a later deploy")
    asked = _Asked(execution, asked_at, deployment)
    version = starting.versions.get(endpoint, live.model_version if number is None and live else number or 0)
    if version.status is not Status.VALIDATED:
        reason = f"version {version.number} is {version.status}, not validated"
        return Start(endpoint, StartStatus.REFUSED, reason=reason)
    composition = _composition(version, deployed)
    if active is None and live is not None and live.composition == composition:
        reason = f"version {version.number} is live already" if deployment is None else _unchanged(live)
        return Start(endpoint, StartStatus.REFUSED, reason=reason)
    waits = policy.rollout.when_busy is WhenBusy.WAIT or deployment is not None  # nobody would deploy it again
    if active is not None and not mine and waits:
        return _busy(RolloutInProgress(endpoint, active.id), policy.rollout)
    now = starting.clock()
    rollout = Rollout(
        id=rollout_id(version.number if deployment is None else None, execution),
        endpoint=version.endpoint,
        model_version=version.number,
        policy=policy,
        plan=choose_plan(policy.rollout, live, now, choosing=starting.choosing),
        execution=execution,
        started_at=now,
        composition=composition,
    )
    try:
        started = starting.rollouts.start(rollout)
    except RolloutInProgress as busy:
        if waits:
            return _busy(busy, policy.rollout)
        return _refuse(rollout, f"{busy}, and the policy refuses a second one: push it again then", starting)
    return _begin(started, version, asked, starting)


def _begin(started: Rollout, version: ModelVersion, asked: _Asked, starting: Starting) -> Start:
    """Go on with the lock held, or with a rollout that an earlier try of the same execution has brought further."""
    endpoint = started.endpoint
    if started.outcome is Outcome.FAILED and started.candidate is None:
        return Start(endpoint, StartStatus.REFUSED, started.id, reason=started.reason)
    if started.outcome is None and started.candidate is None:
        started, version = _with_the_live_model(started, version, asked, starting)
        against = _refused_before(started, starting) or _against(version, asked.asked_at, starting)
        if against is not None:
            return _refuse(started, against, starting)
    _record(started, starting)
    return Start(endpoint, StartStatus.STARTED, started.id)


def _composition(version: ModelVersion, deployed: Deployment) -> Composition:
    return Composition(version.number, version.content_digest, deployed.runtime)


def _unchanged(live: Release) -> str:
    return f"nothing that serves has changed: release {live.number} is made of the same"


def _with_the_live_model(
    rollout: Rollout, version: ModelVersion, asked: _Asked, starting: Starting
) -> tuple[Rollout, ModelVersion]:
    """Have a deploy bring no older model back, should another one have gone live just before the lock was taken."""
    live = _live(rollout.endpoint, starting)
    if asked.deployment is None or live is None or live.model_version == rollout.model_version:
        return rollout, version
    found = starting.versions.get(rollout.endpoint, live.model_version)
    runtime = starting.deployments.current(rollout.endpoint)
    changed = replace(rollout, model_version=found.number, composition=_composition(found, runtime))
    starting.rollouts.save(changed, replaced=rollout)
    return changed, found


def _busy(busy: RolloutInProgress, plan: RolloutPlan) -> Start:
    return Start(busy.endpoint, StartStatus.BUSY, wait_seconds=_pause_seconds(plan), reason=str(busy))


def _pause_seconds(plan: RolloutPlan) -> int:
    """Ask seldom enough that the wait for another rollout's whole horizon fits into an execution's history."""
    return max(plan.tick_seconds, plan.horizon_seconds // 100)


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
    """Whether a newer version went live while this one waited; asking for an older one afterwards is no such case.

    Nor is a deploy that was rolled out with the model that had been live before.
    """
    return live.model_version > version.number and any(
        rollout.model_version == live.model_version and rollout.started_at > asked_at and not rollout.is_of_a_deploy
        for rollout in starting.rollouts.list(version.endpoint)
    )


def _refuse(rollout: Rollout, reason: str, starting: Starting) -> Start:
    """End it before it began; the ledger comes first, so that a retry completes the rest.

    One that was turned away, because another one was under way, never held the lock.
    """
    now = starting.clock()
    ended = rollout.ended(Outcome.FAILED, reason, at=now)
    deed, details = f"ended:{rollout.id}", ended_details(ended)
    entry = LedgerEntry(rollout.endpoint, deed, Action.ROLLOUT_ENDED, "start_rollout", now, details)
    starting.ledger.append(entry)
    starting.rollouts.end_early(ended)
    starting.events.publish("RolloutFailed", entry)
    return Start(rollout.endpoint, StartStatus.REFUSED, rollout.id, reason=reason)


def _record(rollout: Rollout, starting: Starting) -> None:
    live = _live(rollout.endpoint, starting)
    changes = differences(live.composition, rollout.composition) if live and rollout.composition else ()
    details: dict[str, Detail] = {
        "rollout": rollout.id,
        "version": rollout.model_version,
        "policy": rollout.policy.digest,
        "plan": rollout.plan.reason,
        "changes": ", ".join(changes),
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
    starting.events.publish("RolloutStarted", entry)
