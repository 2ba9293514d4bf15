"""The model registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from serinus.adapters.stored import keys
from serinus.adapters.stored.racing import retried
from serinus.adapters.stored.stored_as import MODEL_VERSION, UPLOAD
from serinus.domain.model_version import Manifest, ModelVersion, Status, Upload
from serinus.errors import AlreadyExists, ModelVersionNotFound
from serinus.use_cases.ports.storage import Change, Document, Documents


class StoredModelVersions:
    """`ModelVersions` over documents.

    A version, the marker of its content and the counter that numbers it are written in one transaction, so that
    registrations which race give one content one number, and no number is left out.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def claim(self, upload: Upload) -> Upload:
        """Record that an execution takes an upload on; return the record of whoever did so first."""
        change = Change(keys.upload(upload.upload), _upload_json(upload), revision=None)
        try:
            self._documents.put_all(keys.partition(upload.endpoint), [change])
        except AlreadyExists:
            return self.upload(upload.endpoint, upload.upload) or upload
        return upload

    def refuse(self, upload: Upload, reason: str) -> None:
        """Record why an upload was refused."""
        retried(lambda: self._record(replace(upload, refusal=reason)))

    def register(self, upload: Upload, manifest: Manifest, size_bytes: int) -> ModelVersion:
        """Give the content its number, or return the version that has the same content already.

        Where that one was rejected, a new upload of it has no verdict until it is judged anew: whoever waits for the
        verdict must not take the old one for it.
        """
        return retried(lambda: self._register(upload, manifest, size_bytes))

    def get(self, endpoint: str, number: int) -> ModelVersion:
        """Return a version.

        Raises:
            ModelVersionNotFound: there is none of that number.
        """
        document = self._documents.get(keys.partition(endpoint), keys.version(number))
        if document is None:
            raise ModelVersionNotFound(endpoint, number)
        return MODEL_VERSION.validate_json(document.body)

    def record_validation(self, version: ModelVersion) -> None:
        """Store what validation found.

        Raises:
            ModelVersionNotFound: the version was never registered.
        """
        retried(lambda: self._replace(version))

    def upload(self, endpoint: str, upload: str) -> Upload | None:
        """Return the record of an upload, or `None` while nobody has taken it on."""
        document = self._documents.get(keys.partition(endpoint), keys.upload(upload))
        return None if document is None else UPLOAD.validate_json(document.body)

    def list(self, endpoint: str) -> Sequence[ModelVersion]:
        """Return every version, by number."""
        found = self._documents.list(keys.partition(endpoint), keys.VERSIONS)
        return [MODEL_VERSION.validate_json(document.body) for _, document in found]

    def _register(self, upload: Upload, manifest: Manifest, size_bytes: int) -> ModelVersion:
        known = self._documents.get(keys.partition(upload.endpoint), keys.content(manifest.content_digest))
        if known is not None:
            return self._register_again(upload, self.get(upload.endpoint, int(known.body)))
        counter = self._documents.get(keys.partition(upload.endpoint), keys.VERSION_COUNTER)
        version = ModelVersion(
            endpoint=upload.endpoint,
            number=int(counter.body) + 1 if counter else 1,
            content_digest=manifest.content_digest,
            manifest=manifest,
            size_bytes=size_bytes,
            upload=upload.upload,
            registered_at=upload.received_at,
        )
        self._documents.put_all(
            keys.partition(upload.endpoint),
            [
                Change(keys.VERSION_COUNTER, str(version.number), _revision(counter)),
                Change(keys.content(manifest.content_digest), str(version.number), revision=None),
                Change(keys.version(version.number), MODEL_VERSION.dump_json(version).decode(), revision=None),
                self._recording(replace(upload, version=version.number)),
            ],
        )
        return version

    def _register_again(self, upload: Upload, version: ModelVersion) -> ModelVersion:
        changes = [self._recording(replace(upload, version=version.number))]
        known = self.upload(upload.endpoint, upload.upload)
        if version.status is Status.REJECTED and (known is None or known.version is None):
            version = version.to_be_judged()
            changes.append(self._replacing(version))
        self._documents.put_all(keys.partition(upload.endpoint), changes)
        return version

    def _record(self, upload: Upload) -> None:
        self._documents.put_all(keys.partition(upload.endpoint), [self._recording(upload)])

    def _recording(self, upload: Upload) -> Change:
        key = keys.upload(upload.upload)
        found = self._documents.get(keys.partition(upload.endpoint), key)
        return Change(key, _upload_json(upload), _revision(found))

    def _replace(self, version: ModelVersion) -> None:
        self._documents.put_all(keys.partition(version.endpoint), [self._replacing(version)])

    def _replacing(self, version: ModelVersion) -> Change:
        key = keys.version(version.number)
        found = self._documents.get(keys.partition(version.endpoint), key)
        if found is None:
            raise ModelVersionNotFound(version.endpoint, version.number)
        return Change(key, MODEL_VERSION.dump_json(version).decode(), found.revision)


def _upload_json(upload: Upload) -> str:
    return UPLOAD.dump_json(upload).decode()


def _revision(document: Document | None) -> int | None:
    return None if document is None else document.revision
