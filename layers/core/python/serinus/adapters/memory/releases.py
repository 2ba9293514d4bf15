"""Releases that nothing runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from serinus.domain.composition import Composition
from serinus.domain.layout import Layout
from serinus.domain.model_version import ModelVersion
from serinus.domain.rollout import Release
from serinus.errors import ReleaseFailed, ReleaseInUse
from serinus.use_cases.ports.clock import Clock

_FIRST = 2  # Lambda version 1 is the one that answers 503, made by the deployment


class MemoryReleases:
    """`Releases` for tests and benchmarks.

    Attributes:
        answer: what every probe is answered with.
        publish_failure: raised by `publish` where it is set.
        probe_failure: raised by `probe` where it is set.
        probed: every probe: the release and the request it was sent.
        in_use: the numbers of the releases that the alias is on, whatever the test says elsewhere.
        removed: the numbers of the releases and the layers that were removed, in order.
    """

    def __init__(self, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._published: dict[str, dict[str, Release]] = {}
        self.answer: Mapping[str, object] = {"outputs": []}
        self.publish_failure: str | None = None
        self.probe_failure: str | None = None
        self.in_use: set[int] = set()
        self.removed: list[int | str] = []
        self.probed: list[tuple[Release, Mapping[str, object]]] = []

    def publish(  # the port's
        self,
        version: ModelVersion,
        model: bytes,  # noqa: ARG002
        layout: Layout,  # noqa: ARG002
        composition: Composition,
        *,
        rollout: str,
    ) -> Release:
        """Give the model a number; doing it again for the same rollout returns the same release.

        Raises:
            ReleaseFailed: the test said so.
        """
        if self.publish_failure:
            raise ReleaseFailed(self.publish_failure)
        published = self._published.setdefault(version.endpoint, {})
        if rollout not in published:
            published[rollout] = Release(
                endpoint=version.endpoint,
                number=_FIRST + len(published),
                model_version=version.number,
                content_digest=version.content_digest,
                layer=f"memory:layer:{version.endpoint}:{version.content_digest}",
                published_at=self._clock(),
                rollout=rollout,
                composition=composition,
            )
        return published[rollout]

    def probe(self, release: Release, body: Mapping[str, object]) -> Mapping[str, object]:
        """Return `answer`.

        Raises:
            ReleaseFailed: the test said so.
        """
        self.probed.append((release, body))
        if self.probe_failure:
            raise ReleaseFailed(self.probe_failure)
        return self.answer

    def remove(self, release: Release) -> None:
        """Note that it is removed; removing none is harmless.

        Raises:
            ReleaseInUse: the test said so.
        """
        if release.number in self.in_use:
            raise ReleaseInUse(release.endpoint, release.number)
        self.removed.append(release.number)

    def remove_layer(self, endpoint: str, layer: str) -> None:  # noqa: ARG002  # the port's
        """Note that a layer is removed; removing none is harmless."""
        self.removed.append(layer)
