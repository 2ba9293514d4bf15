"""Upload a model with its held-out data, and follow what becomes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from serinus.domain.model_version import Holdout, Manifest, ModelVersion, Status
from serinus.domain.rollout import Outcome, Rollout
from serinus.domain.signature import Signature
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.registry import ModelVersions, WriteManifest
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Rollouts

_MODEL = "model.onnx"
_HOLDOUT = "holdout.parquet"
_FIRST_LOOKS_SECONDS = 1.0  # between two looks while the model is registered and validated
_LONGEST_WAIT_SECONDS = 30.0  # between two looks at a rollout, however slowly its policy ticks


class Uploads(Protocol):
    """The one thing that pushing asks of the artifacts bucket; a client may show a progress bar while it does it."""

    def put(self, key: str, body: bytes) -> None:
        """Write the object."""


@dataclass(frozen=True)
class Pushing:
    """What uploading needs of the world."""

    policies: Policies
    uploads: Uploads
    write_manifest: WriteManifest
    clock: Clock


@dataclass(frozen=True)
class Following:
    """What following an upload needs of the world; `sleep` takes seconds."""

    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic
    clock: Clock
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class Package:
    """What is pushed: the ONNX file, and the held-out rows as Parquet with a target of 0 and 1.

    `framework_predictions` is the column of them that holds the framework's own scores, where one does.
    """

    model: bytes
    holdout: bytes
    target: str
    signature: Signature
    lineage: Mapping[str, str] = field(default_factory=dict)
    framework_predictions: str | None = None

    @property
    def manifest(self) -> Manifest:
        """What the upload says of itself."""
        return Manifest(
            model_name=_MODEL,
            model_sha256=hashlib.sha256(self.model).hexdigest(),
            signature=self.signature,
            holdout=Holdout(
                _HOLDOUT, hashlib.sha256(self.holdout).hexdigest(), self.target, self.framework_predictions
            ),
            lineage=self.lineage,
        )


class Stage(StrEnum):
    """How far a pushed model has come."""

    UPLOADED = "uploaded"
    REGISTERED = "registered"
    VALIDATED = "validated"
    ROLLING_OUT = "rolling_out"
    REFUSED = "refused"
    REJECTED = "rejected"
    LIVE_ALREADY = "live_already"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


_UNDER_WAY = frozenset({Stage.UPLOADED, Stage.REGISTERED, Stage.VALIDATED, Stage.ROLLING_OUT})
_GOOD = frozenset({Stage.VALIDATED, Stage.ROLLING_OUT, Stage.LIVE_ALREADY, Stage.PROMOTED})
_ENDS = {
    Outcome.PROMOTED: Stage.PROMOTED,
    Outcome.ROLLED_BACK: Stage.ROLLED_BACK,
    Outcome.INCONCLUSIVE: Stage.INCONCLUSIVE,
    Outcome.FAILED: Stage.FAILED,
}


@dataclass(frozen=True)
class PushProgress:
    """How an upload stands; `reason` is why, in words a person reads."""

    endpoint: str
    upload: str
    stage: Stage
    version: ModelVersion | None = None
    rollout: Rollout | None = None
    reason: str = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more will become of it."""
        return self.stage not in _UNDER_WAY

    @property
    def succeeded(self) -> bool:
        """Whether the model passed all that it has come through so far, validation at the least."""
        return self.stage in _GOOD


def push_model(endpoint: str, package: Package, *, pushing: Pushing) -> str:
    """Upload the model, the held-out rows and, last, the manifest, whose arrival starts the pipeline.

    Returns:
        The upload's id: when, and with what manifest. Pushing the same within one second is one upload.

    Raises:
        EndpointNotFound: no such endpoint is deployed; nothing was uploaded.
        PolicyRefused: its policy cannot be read; nothing was uploaded.
    """
    pushing.policies.get(endpoint)
    document = pushing.write_manifest(package.manifest)
    upload = f"{pushing.clock():%Y%m%dT%H%M%SZ}-{hashlib.sha256(document).hexdigest()[:12]}"
    folder = f"incoming/{endpoint}/{upload}"
    pushing.uploads.put(f"{folder}/{_MODEL}", package.model)
    pushing.uploads.put(f"{folder}/{_HOLDOUT}", package.holdout)
    pushing.uploads.put(f"{folder}/manifest.json", document)
    return upload


def follow_push(endpoint: str, upload: str, *, until: datetime, following: Following) -> Iterator[PushProgress]:
    """Look at an upload until it is through or time is up; yield it each time that it has changed.

    At least one value is yielded. The last one tells how it stands; it is not `finished` where time was up first,
    and the pipeline then goes on by itself.
    """
    last: PushProgress | None = None
    while True:
        progress = _look(endpoint, upload, following)
        if progress != last:
            yield progress
            last = progress
        remaining = (until - following.clock()).total_seconds()
        if progress.finished or remaining <= 0:
            return
        following.sleep(min(_pause(progress), remaining))


def _pause(progress: PushProgress) -> float:
    """A rollout moves once a tick: looking more often than that would find nothing new."""
    if progress.rollout is None:
        return _FIRST_LOOKS_SECONDS
    tick = float(progress.rollout.policy.rollout.tick_seconds)
    return min(max(tick, _FIRST_LOOKS_SECONDS), _LONGEST_WAIT_SECONDS)


def _look(endpoint: str, upload: str, following: Following) -> PushProgress:
    known = following.versions.upload(endpoint, upload)
    if known is None:
        return PushProgress(endpoint, upload, Stage.UPLOADED, reason="waiting to be registered")
    if known.refusal is not None:
        return PushProgress(endpoint, upload, Stage.REFUSED, reason=known.refusal)
    if known.version is None:
        return PushProgress(endpoint, upload, Stage.UPLOADED, reason="being registered")
    version = following.versions.get(endpoint, known.version)
    if version.status is Status.REGISTERED:
        return PushProgress(endpoint, upload, Stage.REGISTERED, version, reason="being validated")
    if version.status is Status.REJECTED:
        faults = "; ".join(finding.message for finding in version.findings if not finding.passed)
        return PushProgress(endpoint, upload, Stage.REJECTED, version, reason=faults)
    return _look_at_rollout(upload, version, known.received_at, following)


def _look_at_rollout(upload: str, version: ModelVersion, received_at: datetime, following: Following) -> PushProgress:
    """A version that was pushed before may have rollouts of its own: ours is one that began after our upload came.

    A deploy is rolled out with whatever version is live: that is none of ours.
    """
    endpoint = version.endpoint
    active = following.rollouts.active(endpoint)  # before the list, so that ours cannot begin between the two
    found = [
        rollout
        for rollout in following.rollouts.list(endpoint)
        if rollout.model_version == version.number
        and rollout.started_at >= received_at
        and not rollout.is_of_a_deploy
    ]
    if not found:
        return _not_begun(upload, version, active, following)
    rollout = found[-1]
    if rollout.outcome is not None:
        return PushProgress(endpoint, upload, _ENDS[rollout.outcome], version, rollout, rollout.reason)
    waiting = "its release is being published" if rollout.step < 0 else "the step has begun"
    reason = rollout.last_look.reason if rollout.last_look else waiting
    return PushProgress(endpoint, upload, Stage.ROLLING_OUT, version, rollout, reason)


def _not_begun(upload: str, version: ModelVersion, active: Rollout | None, following: Following) -> PushProgress:
    endpoint = version.endpoint
    if active is not None:
        reason = f"waiting for the rollout of version {active.model_version} to end"
        return PushProgress(endpoint, upload, Stage.VALIDATED, version, reason=reason)
    release = following.rollouts.release(endpoint, following.traffic.current(endpoint).stable)
    if release is not None and release.content_digest == version.content_digest:
        reason = f"the same content is live already, as release {release.number}"
        return PushProgress(endpoint, upload, Stage.LIVE_ALREADY, version, reason=reason)
    return PushProgress(endpoint, upload, Stage.VALIDATED, version, reason="its rollout is about to start")
