"""Take an upload into the registry: check that it is whole, keep it immutably, give it its number."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.gates import MAXIMUM_MODEL_BYTES
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.model_version import Manifest, ModelVersion, Upload
from serinus.domain.policy import EndpointName
from serinus.errors import EndpointNotFound, ManifestRefused, ModelRefused, ObjectNotFound, Refused
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.registry import ModelVersions, ReadManifest
from serinus.use_cases.ports.storage import Objects

_KEY = re.compile(r"incoming/(?P<endpoint>[^/]+)/(?P<upload>[^/]+)/manifest\.json")
_MAXIMUM_MANIFEST_BYTES = 1_000_000
_MAXIMUM_HOLDOUT_BYTES = 500_000_000


class RegistrationStatus(StrEnum):
    """What became of an upload."""

    REGISTERED = "registered"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Registration:
    """The result: `version` is the model version's number, where there is one."""

    endpoint: str
    upload: str
    status: RegistrationStatus
    version: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Registry:
    """What registering needs of the world."""

    artifacts: Objects
    policies: Policies
    versions: ModelVersions
    ledger: Ledger
    events: Events
    read_manifest: ReadManifest
    clock: Clock


def register_model(key: str, *, execution: str, registry: Registry) -> Registration:
    """Register the upload whose manifest has just arrived.

    The event may come five times, to five executions: the first to claim the upload carries it, the others are
    duplicates. The claiming execution may be retried at any point; every write it makes is the same again, and an
    upload that was refused stays refused.

    Args:
        key: `incoming/<endpoint>/<upload>/manifest.json`.
        execution: names the pipeline execution.
        registry: what registering needs of the world.

    Raises:
        ManifestRefused: the key is not of that shape, so nobody can be told.
    """
    place = _KEY.fullmatch(key)
    if not place:
        raise ManifestRefused(f"{key!r} is no upload: put it at incoming/<endpoint>/<upload>/manifest.json")
    upload = Upload(EndpointName(place["endpoint"]), place["upload"], execution, registry.clock())
    claimed = registry.versions.claim(upload)
    if claimed.execution != execution:
        return Registration(upload.endpoint, upload.upload, RegistrationStatus.DUPLICATE, claimed.version)
    if claimed.refusal is not None:
        return _refuse(claimed, claimed.refusal, registry)
    try:
        version = _register(claimed, key.removesuffix("manifest.json"), registry)
    except (Refused, EndpointNotFound) as refusal:
        return _refuse(claimed, str(refusal), registry)
    _record(claimed, version, registry)
    return Registration(upload.endpoint, upload.upload, RegistrationStatus.REGISTERED, version.number)


def _register(upload: Upload, folder: str, registry: Registry) -> ModelVersion:
    registry.policies.get(upload.endpoint)
    document = _read(registry.artifacts, f"{folder}manifest.json", _MAXIMUM_MANIFEST_BYTES)
    manifest = registry.read_manifest(document)
    model = _verified(registry, folder, manifest.model_name, manifest.model_sha256, MAXIMUM_MODEL_BYTES)
    holdout = _verified(registry, folder, manifest.holdout.name, manifest.holdout.sha256, _MAXIMUM_HOLDOUT_BYTES)
    home = model_home(upload.endpoint, manifest)
    registry.artifacts.put(f"{home}/{manifest.holdout.name}", holdout)
    registry.artifacts.put(f"{home}/model.onnx", model)
    registry.artifacts.put(f"{home}/manifest.json", document)
    return registry.versions.register(upload, manifest, len(model))


def model_home(endpoint: str, manifest: Manifest) -> str:
    """Return the folder of the artifacts bucket where a registered model's objects stay."""
    return f"models/{endpoint}/{manifest.content_digest}"


def served_model_key(version: ModelVersion) -> str:
    """Return where the file lies that a release of a validated version carries."""
    name = "served.onnx" if version.served_sha256 else "model.onnx"
    return f"{model_home(version.endpoint, version.manifest)}/{name}"


def _verified(registry: Registry, folder: str, name: str, sha256: str, maximum_bytes: int) -> bytes:
    body = _read(registry.artifacts, folder + name, maximum_bytes)
    found = hashlib.sha256(body).hexdigest()
    if found != sha256:
        raise ManifestRefused(
            f"{name} has the SHA-256 {found}, but the manifest says {sha256}: the upload is damaged or the manifest "
            "is of another file; push it again"
        )
    return body


def _read(objects: Objects, key: str, maximum_bytes: int) -> bytes:
    try:
        size = objects.size(key)
        if size > maximum_bytes:
            raise ModelRefused(f"{key} has {size:,} bytes; at most {maximum_bytes:,} can be taken")
        return objects.get(key)
    except ObjectNotFound as missing:
        raise ManifestRefused(
            f"the manifest names {key.rpartition('/')[2]}, but there is no object {key}: "
            "upload it before the manifest"
        ) from missing


def _refuse(upload: Upload, reason: str, registry: Registry) -> Registration:
    registry.versions.refuse(upload, reason)
    details: dict[str, Detail] = {"upload": upload.upload, "reason": reason}
    _tell("UploadRefused", upload, f"refused:{upload.upload}", Action.UPLOAD_REFUSED, details, registry)
    return Registration(upload.endpoint, upload.upload, RegistrationStatus.REJECTED, reason=reason)


def _record(upload: Upload, version: ModelVersion, registry: Registry) -> None:
    details: dict[str, Detail] = {
        "upload": upload.upload,
        "version": version.number,
        "content": version.content_digest,
        "model": version.manifest.model_sha256,
    }
    _tell("ModelRegistered", upload, f"registered:{upload.upload}", Action.MODEL_REGISTERED, details, registry)


def _tell(
    event: str, upload: Upload, deed: str, action: Action, details: dict[str, Detail], registry: Registry
) -> None:
    entry = LedgerEntry(upload.endpoint, deed, action, "register_model", registry.clock(), details)
    registry.ledger.append(entry)
    registry.events.publish(event, entry)
