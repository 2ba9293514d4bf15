"""An alias that no requests pass through."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from serinus.domain.rollout import Split
from serinus.errors import EndpointNotFound, RevisionChanged


class MemoryTraffic:
    """`Traffic` for tests and benchmarks; `history` holds every shift, oldest first, `asleep` releases that sleep."""

    def __init__(self, splits: Mapping[str, Split]) -> None:
        self._lock = threading.Lock()
        self._splits = dict(splits)
        self.history: list[tuple[str, Split]] = []
        self.asleep: set[int] = set()

    def current(self, endpoint: str) -> Split:
        """Return where traffic goes now.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
        with self._lock:
            return self._current(endpoint)

    def awake(self, endpoint: str, release: int) -> bool:
        """Whether a release answers at once; one that sleeps is awake when it is asked about once more.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
        with self._lock:
            self._current(endpoint)
            slept = release in self.asleep
            self.asleep.discard(release)
            return not slept

    def shift(self, endpoint: str, split: Split, *, expected: Split | None = None) -> None:
        """Send traffic elsewhere.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
            RevisionChanged: `expected` is given and traffic goes elsewhere already.
        """
        with self._lock:
            found = self._current(endpoint)
            if expected is not None and found != expected:
                raise RevisionChanged(f"the traffic of {endpoint!r}")
            self._splits[endpoint] = split
            self.history.append((endpoint, split))

    def _current(self, endpoint: str) -> Split:
        try:
            return self._splits[endpoint]
        except KeyError as error:
            raise EndpointNotFound(endpoint, tuple(sorted(self._splits))) from error
