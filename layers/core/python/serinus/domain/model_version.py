"""A model version: an immutable registered model, with everything that says what it is and where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from serinus.domain.gates import Finding, all_passed
from serinus.domain.metric import Metric
from serinus.domain.policy import EndpointName
from serinus.domain.signature import Signature


class Status(StrEnum):
    """How far a model version has come. Whether it serves is the rollout's business."""

    REGISTERED = "registered"
    VALIDATED = "validated"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Holdout:
    """The held-out data a model is validated on: a table with every feature and the target.

    Attributes:
        framework_predictions: the column, no feature, of what the framework that trained the model said of each row;
            `None` where the table holds none.
    """

    name: str
    sha256: str
    target: str
    framework_predictions: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What an upload says of itself."""

    model_name: str
    model_sha256: str
    signature: Signature
    holdout: Holdout
    lineage: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_digest(self) -> str:
        """The identity of what is uploaded: the same content is the same model version, whoever sends it."""
        identity: dict[str, object] = {
            "model": self.model_sha256,
            "signature": asdict(self.signature),
            "holdout": [self.holdout.sha256, self.holdout.target],
        }
        if self.holdout.framework_predictions is not None:
            identity["framework_predictions"] = self.holdout.framework_predictions
        return digest_of(identity)


@dataclass(frozen=True)
class ModelVersion:
    """A registered model; `number` counts from 1 in each endpoint.

    Attributes:
        served_sha256: the digest of the file that is served in place of the uploaded one, which gives the same
            answers and starts faster; `None` where the uploaded one is served.
    """

    endpoint: EndpointName
    number: int
    content_digest: str
    manifest: Manifest
    size_bytes: int
    upload: str
    registered_at: datetime
    status: Status = Status.REGISTERED
    findings: tuple[Finding, ...] = ()
    metrics: Mapping[Metric, float] = field(default_factory=dict)
    attestation: str | None = None
    served_sha256: str | None = None

    @property
    def served_digest(self) -> str:
        """The SHA-256 of the file that a release of this version carries."""
        return self.served_sha256 or self.manifest.model_sha256

    @property
    def seed(self) -> int:
        """What draws are seeded by, so that validating the same content finds, and signs, the same."""
        return int(self.content_digest[:16], 16)

    @property
    def statement(self) -> bytes:
        """What validation signs and a rollout verifies: model, signature, lineage and findings, canonically."""
        said = {
            "endpoint": self.endpoint,
            "number": self.number,
            "content": self.content_digest,
            "model": self.manifest.model_sha256,
            "signature": asdict(self.manifest.signature),
            "lineage": dict(self.manifest.lineage),
            "findings": [asdict(finding) for finding in self.findings],
            **({"served": self.served_sha256} if self.served_sha256 else {}),
        }
        return canonical_json(said).encode()

    def to_be_judged(self) -> ModelVersion:
        """Return the version as if nothing had been found of it yet."""
        return replace(self, status=Status.REGISTERED, findings=(), metrics={}, attestation=None)

    def validated(
        self,
        findings: tuple[Finding, ...],
        metrics: Mapping[Metric, float],
        *,
        attestation: str | None,
        served_sha256: str | None = None,
    ) -> ModelVersion:
        """Return the version with what validation found; it is rejected where any gate failed."""
        status = Status.VALIDATED if all_passed(findings) else Status.REJECTED
        return replace(
            self,
            status=status,
            findings=findings,
            metrics=metrics,
            attestation=attestation,
            served_sha256=served_sha256,
        )


@dataclass(frozen=True)
class Upload:
    """What became of one upload; the record that makes a repeated event harmless.

    Attributes:
        execution: the pipeline execution that took the upload on; any other is a duplicate.
        version: the model version it became, once registered.
        refusal: why it was refused, where it was.
    """

    endpoint: EndpointName
    upload: str
    execution: str
    received_at: datetime
    version: int | None = None
    refusal: str | None = None


def canonical_json(value: object) -> str:
    """Return one spelling of a value, for digests and signatures."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
