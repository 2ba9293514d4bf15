"""Where documents and blobs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Document:
    """A stored JSON text and the revision that a replacement must name."""

    body: str
    revision: int


class Documents(Protocol):
    """Small mutable JSON documents with compare-and-set; DynamoDB on AWS. Keys sort within a partition."""

    def get(self, partition: str, key: str) -> Document | None:
        """Return the document, or `None`. Reads are consistent."""

    def put_all(self, partition: str, changes: Sequence[Change]) -> None:
        """Make all changes or none.

        Raises:
            AlreadyExists: a change with revision `None` found a document there.
            RevisionChanged: a document is no longer at the revision that its change names.
        """

    def list(self, partition: str, prefix: str) -> Sequence[tuple[str, Document]]:
        """Return (key, document) of every key with that prefix, in the order of keys."""


@dataclass(frozen=True)
class Change:
    """A write: `revision` is what is replaced, `None` where nothing may be there; `body` is `None` to delete."""

    key: str
    body: str | None
    revision: int | None


class Objects(Protocol):
    """Immutable blobs by key; an S3 bucket on AWS."""

    def get(self, key: str) -> bytes:
        """Return the object.

        Raises:
            ObjectNotFound: there is none.
            SourceFailed: the store does not answer.
        """

    def put(self, key: str, body: bytes) -> None:
        """Write the object; writing the same again is harmless."""

    def create(self, key: str, body: bytes) -> None:
        """Write the object where there is none.

        Raises:
            AlreadyExists: there is one.
        """

    def delete(self, key: str) -> None:
        """Remove the object; removing none is harmless."""

    def size(self, key: str) -> int:
        """Return its length in bytes.

        Raises:
            ObjectNotFound: there is none.
        """

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix, sorted.

        Raises:
            SourceFailed: the store does not answer.
        """

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix and when it was last written, oldest first; ties are in order of keys."""
