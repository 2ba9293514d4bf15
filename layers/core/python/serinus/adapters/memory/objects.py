"""Objects in a dictionary."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from serinus.errors import AlreadyExists, ObjectNotFound
from serinus.use_cases.ports.clock import Clock


class MemoryObjects:
    """`Objects` for tests and benchmarks."""

    def __init__(self, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    def get(self, key: str) -> bytes:
        """Return the object.

        Raises:
            ObjectNotFound: there is none.
        """
        try:
            return self._objects[key][0]
        except KeyError as error:
            raise ObjectNotFound(key) from error

    def put(self, key: str, body: bytes) -> None:
        """Write the object."""
        with self._lock:
            self._objects[key] = (bytes(body), self._clock())

    def create(self, key: str, body: bytes) -> None:
        """Write the object where there is none.

        Raises:
            AlreadyExists: there is one.
        """
        with self._lock:
            if key in self._objects:
                raise AlreadyExists(key)
            self._objects[key] = (bytes(body), self._clock())

    def delete(self, key: str) -> None:
        """Remove the object; removing none is harmless."""
        with self._lock:
            self._objects.pop(key, None)

    def size(self, key: str) -> int:
        """Return its length in bytes.

        Raises:
            ObjectNotFound: there is none.
        """
        return len(self.get(key))

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix, sorted."""
        with self._lock:
            return sorted(key for key in self._objects if key.startswith(prefix))

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix and when it was last written, oldest first."""
        with self._lock:
            found = [(key, at) for key, (_, at) in self._objects.items() if key.startswith(prefix)]
        return sorted(found, key=lambda item: (item[1], item[0]))
