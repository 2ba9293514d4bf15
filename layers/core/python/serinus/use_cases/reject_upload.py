"""Reject an upload of which a step of the pipeline ended without a result, so that it does not wait for ever."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import ModelVersion, Status, Upload
from serinus.domain.stopped_step import STOPPED, StoppedStep
from serinus.errors import ManifestRefused
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.register_model import upload_at


class RejectionStatus(StrEnum):
    """What became of the upload."""

    REJECTED = "rejected"
    VALIDATED = "validated"  # the step had done its work, and died after it
    NOT_OURS = "not_ours"  # another execution carries it, or the key names no upload


@dataclass(frozen=True)
class Rejection:
    """The result; `version` is the model version's number, where there is one."""

    status: RejectionStatus
    endpoint: str | None = None
    version: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Rejecting:
    """What rejecting needs of the world."""

    policies: Policies
    versions: ModelVersions
    ledger: Ledger
    events: Events
    clock: Clock


def reject_upload(key: str, stopped: StoppedStep, *, execution: str, rejecting: Rejecting) -> Rejection:
    """Refuse the upload, or reject the model version that it has become, with a finding that says what happened.

    Called again it finds the same, and records it once. Whoever pushes the same again has it judged anew.

    Args:
        key: `incoming/<endpoint>/<upload>/manifest.json`.
        stopped: the step that did not finish.
        execution: names the pipeline execution; only the one that carries the upload may reject it.
        rejecting: what it needs of the world.

    Raises:
        EndpointNotFound: its endpoint is no longer deployed.
    """
    try:
        upload = upload_at(key, execution=execution, at=rejecting.clock())
    except ManifestRefused as refusal:
        return Rejection(RejectionStatus.NOT_OURS, reason=str(refusal))
    claimed = rejecting.versions.claim(upload)  # registering may have died before it did so
    if claimed.execution != execution:
        reason = f"the execution {claimed.execution} carries upload {upload.upload}"
        return Rejection(RejectionStatus.NOT_OURS, upload.endpoint, claimed.version, reason)
    if claimed.version is None:
        return _refuse(claimed, stopped, rejecting)
    return _reject(rejecting.versions.get(upload.endpoint, claimed.version), stopped, execution, rejecting)


def _refuse(upload: Upload, stopped: StoppedStep, rejecting: Rejecting) -> Rejection:
    reason = upload.refusal or stopped.reason
    rejecting.versions.refuse(upload, reason)
    details: dict[str, Detail] = {"upload": upload.upload, "reason": reason}
    deed = f"refused:{upload.upload}"
    entry = LedgerEntry(upload.endpoint, deed, Action.UPLOAD_REFUSED, "reject_upload", rejecting.clock(), details)
    rejecting.ledger.append(entry)
    rejecting.events.publish("UploadRefused", entry)
    return Rejection(RejectionStatus.REJECTED, upload.endpoint, reason=reason)


def _reject(version: ModelVersion, stopped: StoppedStep, execution: str, rejecting: Rejecting) -> Rejection:
    """Keep what the version's data were found to be, and what stood against it before."""
    if version.status is Status.VALIDATED:
        reason = "it was validated before the step ended"
        return Rejection(RejectionStatus.VALIDATED, version.endpoint, version.number, reason)
    before = tuple(finding for finding in version.findings if not finding.gate.startswith(STOPPED))
    judged = version.validated((*before, stopped.finding), version.metrics, attestation=None)
    rejecting.versions.record_validation(judged)
    reason = "; ".join(finding.message for finding in judged.findings if not finding.passed)
    policy = rejecting.policies.get(version.endpoint)
    details: dict[str, Detail] = {"version": version.number, "policy": policy.digest, "reason": reason}
    deed = f"stopped:{version.number}:{execution}"
    entry = LedgerEntry(version.endpoint, deed, Action.MODEL_REJECTED, "reject_upload", rejecting.clock(), details)
    rejecting.ledger.append(entry)
    rejecting.events.publish("ModelRejected", entry)
    return Rejection(RejectionStatus.REJECTED, version.endpoint, version.number, reason)
