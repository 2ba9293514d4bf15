"""A person wants a model version rolled out, other than by pushing it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.composition import Composition
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.rollout import Rollout, rollout_id
from serinus.errors import VersionNotReleasable
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Deployments, Policies
from serinus.use_cases.ports.ledger import Ledger
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Executions, Rollouts

_ATTEMPTS = 100


class RequestStatus(StrEnum):
    """What became of the request."""

    REQUESTED = "requested"
    WAITING = "waiting"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class RequestedRollout:
    """The rollout that was asked for; `waits_for` is the one under way that it comes after."""

    endpoint: str
    version: int
    rollout: str
    status: RequestStatus
    waits_for: str | None = None


@dataclass(frozen=True)
class Requesting:
    """What requesting a rollout needs of the world."""

    policies: Policies
    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic
    executions: Executions
    ledger: Ledger
    clock: Clock
    deployments: Deployments


def request_rollout(
    endpoint: str, number: int, *, actor: str, reason: str = "", requesting: Requesting
) -> RequestedRollout:
    """Begin an execution that rolls a model version out.

    The execution's name follows from what is asked and from the state it is asked in, so that the same request twice
    begins one execution. Whether it may replace what is live is decided by `start_rollout`, once it has the lock.

    Args:
        endpoint: whose traffic it is to get.
        number: the model version.
        actor: who asks, by the name AWS verified.
        reason: why, for the record.
        requesting: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        ModelVersionNotFound: there is no such version.
        VersionNotReleasable: it did not pass validation, or is live already.
    """
    requesting.policies.get(endpoint)
    version = requesting.versions.get(endpoint, number)
    if version.status is not Status.VALIDATED:
        raise VersionNotReleasable(endpoint, number, f"is {version.status}, not validated")
    state = _state(version, requesting)  # first: a rollout that begins from here on is found under way below
    active = requesting.rollouts.active(endpoint)
    if active is not None and active.model_version == number:
        return RequestedRollout(endpoint, number, active.id, RequestStatus.IN_PROGRESS)
    if active is None and _is_live(version, requesting):
        raise VersionNotReleasable(endpoint, number, "is live already")
    execution = _begun(version, state, actor, reason, requesting)
    rollout = rollout_id(number, execution)
    if active is None:
        return RequestedRollout(endpoint, number, rollout, RequestStatus.REQUESTED)
    return RequestedRollout(endpoint, number, rollout, RequestStatus.WAITING, waits_for=active.id)


def _is_live(version: ModelVersion, requesting: Requesting) -> bool:
    live = requesting.traffic.current(version.endpoint).stable
    release = requesting.rollouts.release(version.endpoint, live)
    runtime = requesting.deployments.current(version.endpoint).runtime
    wanted = Composition(version.number, version.content_digest, runtime)
    return release is not None and release.composition == wanted


def _begun(version: ModelVersion, state: str, actor: str, reason: str, requesting: Requesting) -> str:
    """Record who asked, then begin; a name whose execution has ended, without leaving a rollout, is passed over."""
    for attempt in range(_ATTEMPTS):
        digest = hashlib.sha256(f"{state}/{attempt}".encode()).hexdigest()[:16]
        name = f"{version.endpoint}-v{version.number}-{digest}"
        _record(version, name, actor, reason, requesting)
        wanted = {"endpoint": version.endpoint, "version": version.number}
        execution = requesting.executions.start(name, wanted)
        if execution is not None:
            return execution
    raise VersionNotReleasable(version.endpoint, version.number, f"was tried {_ATTEMPTS} times: look why it fails")


def _state(version: ModelVersion, requesting: Requesting) -> str:
    rollouts = requesting.rollouts.list(version.endpoint)
    latest: Rollout | None = rollouts[-1] if rollouts else None
    live = requesting.traffic.current(version.endpoint).stable
    return f"{version.endpoint}/{version.number}/{latest.id if latest else ''}/{live}"


def _record(version: ModelVersion, name: str, actor: str, reason: str, requesting: Requesting) -> None:
    details: dict[str, Detail] = {"version": version.number, "execution": name, "reason": reason}
    entry = LedgerEntry(
        version.endpoint, f"requested:{name}", Action.ROLLOUT_REQUESTED, actor, requesting.clock(), details
    )
    requesting.ledger.append(entry)
