"""Documents in a dictionary."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from serinus.errors import AlreadyExists, RevisionChanged
from serinus.use_cases.ports.storage import Change, Document


class MemoryDocuments:
    """`Documents` for tests and benchmarks; threads may race for it as they would for DynamoDB."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[str, dict[str, Document]] = {}

    def get(self, partition: str, key: str) -> Document | None:
        """Return the document, or `None`."""
        with self._lock:
            return self._partitions.get(partition, {}).get(key)

    def put_all(self, partition: str, changes: Sequence[Change]) -> None:
        """Make all changes or none.

        Raises:
            AlreadyExists: a change with revision `None` found a document there.
            RevisionChanged: a document is no longer at the revision that its change names.
        """
        with self._lock:
            documents = self._partitions.setdefault(partition, {})
            for change in changes:
                _check(change, documents.get(change.key))
            for change in changes:
                if change.body is None:
                    documents.pop(change.key, None)
                else:
                    documents[change.key] = Document(change.body, (change.revision or 0) + 1)

    def list(self, partition: str, prefix: str) -> Sequence[tuple[str, Document]]:
        """Return (key, document) of every key with that prefix, in the order of keys."""
        with self._lock:
            documents = self._partitions.get(partition, {})
            return [(key, documents[key]) for key in sorted(documents) if key.startswith(prefix)]


def _check(change: Change, found: Document | None) -> None:
    if change.revision is None:
        if found is not None:
            raise AlreadyExists(change.key)
    elif found is None or found.revision != change.revision:
        raise RevisionChanged(change.key)
