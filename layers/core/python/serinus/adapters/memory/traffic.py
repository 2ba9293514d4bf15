"""An alias that no requests pass through."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from serinus.domain.rollout import Split
from serinus.errors import EndpointNotFound, ReleaseNotFound, RevisionChanged


class MemoryTraffic:
    """`Traffic` for tests and benchmarks.

    Attributes:
        history: every shift, oldest first.
        asleep: the releases that sleep until they are asked about.
        gone: the releases whose Lambda version is there no more.
    """

    def __init__(self, splits: Mapping[str, Split]) -> None:
        self._lock = threading.Lock()
        self._splits = dict(splits)
        self.history: list[tuple[str, Split]] = []
        self.asleep: set[int] = set()
        self.gone: set[int] = set()

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

    def has(self, endpoint: str, release: int) -> bool:  # noqa: ARG002  # the port's
        """Whether the release's Lambda version is there to send traffic to."""
        return release not in self.gone

    def shift(self, endpoint: str, split: Split, *, expected: Split | None = None) -> None:
        """Send traffic elsewhere.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
            ReleaseNotFound: a release that is to get traffic is there no more.
            RevisionChanged: `expected` is given and traffic goes elsewhere already.
        """
        with self._lock:
            found = self._current(endpoint)
            if expected is not None and found != expected:
                raise RevisionChanged(f"the traffic of {endpoint!r}")
            if self.gone & {split.stable, split.candidate}:
                raise ReleaseNotFound(endpoint, f"Lambda version for {split}: it was deleted")
            self._splits[endpoint] = split
            self.history.append((endpoint, split))

    def _current(self, endpoint: str) -> Split:
        try:
            return self._splits[endpoint]
        except KeyError as error:
            raise EndpointNotFound(endpoint, tuple(sorted(self._splits))) from error
