"""The model registry, and what each version was validated on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from serinus.domain.model_version import Manifest, ModelVersion, Upload
from serinus.domain.profile import Profile
from serinus.domain.quality import ScoreTable

ReadManifest = Callable[[bytes], Manifest]


WriteManifest = Callable[[Manifest], bytes]


class ModelVersions(Protocol):
    """The model registry."""

    def claim(self, upload: Upload) -> Upload:
        """Record that an execution takes an upload on; return the record of whoever did so first."""

    def refuse(self, upload: Upload, reason: str) -> None:
        """Record why an upload was refused."""

    def register(self, upload: Upload, manifest: Manifest, size_bytes: int) -> ModelVersion:
        """Give the content its number, or return the version that has the same content already.

        Where that one was rejected, a new upload of it has no verdict until it is judged anew.
        """

    def get(self, endpoint: str, number: int) -> ModelVersion:
        """Return a version.

        Raises:
            ModelVersionNotFound: there is none of that number.
        """

    def record_validation(self, version: ModelVersion) -> None:
        """Store what validation found."""

    def upload(self, endpoint: str, upload: str) -> Upload | None:
        """Return the record of an upload, or `None` while nobody has taken it on."""

    def list(self, endpoint: str) -> Sequence[ModelVersion]:
        """Return every version, by number."""


class References(Protocol):
    """What each model version was validated on, by content digest: its held-out rows' profile, and their labels."""

    def get(self, endpoint: str, content_digest: str) -> Profile | None:
        """Return the reference profile, or `None` where the version was never validated."""

    def held_out(self, endpoint: str, content_digest: str) -> ScoreTable | None:
        """Return the held-out rows by score and label, or `None` where none were kept."""

    def put(self, endpoint: str, content_digest: str, profile: Profile, held_out: ScoreTable | None) -> None:
        """Store both."""

    def importance(self, endpoint: str, content_digest: str) -> Mapping[str, float]:
        """Return how much each feature matters to the model; nothing where that was not measured."""

    def put_importance(self, endpoint: str, content_digest: str, importance: Mapping[str, float]) -> None:
        """Store it."""


class Signer(Protocol):
    """Attestations by the asymmetric key."""

    def sign(self, statement: bytes) -> str:
        """Return the signature of a statement, in base64."""

    def verify(self, statement: bytes, signature: str) -> bool:
        """Whether the key signed just this statement."""
