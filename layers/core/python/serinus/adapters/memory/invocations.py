"""Answers for releases that nothing runs."""

from __future__ import annotations

from collections.abc import Mapping

from serinus.domain.rollout import Release
from serinus.errors import ReleaseFailed, ReleaseNotFound


class MemoryInvocations:
    """`Invocations` for tests.

    Attributes:
        answer: what every release answers.
        pruned: the numbers of those that are no more.
        failure: raised where it is set.
        asked: every event, and the release it was sent to.
    """

    def __init__(self) -> None:
        self.answer: Mapping[str, object] = {"statusCode": 200, "body": "{}"}
        self.pruned: set[int] = set()
        self.failure: str | None = None
        self.asked: list[tuple[Release, Mapping[str, object]]] = []

    def ask(self, release: Release, event: Mapping[str, object]) -> Mapping[str, object]:
        """Return `answer`.

        Raises:
            ReleaseNotFound: the test said that it was pruned.
            ReleaseFailed: the test said so.
        """
        if release.number in self.pruned:
            raise ReleaseNotFound(release.endpoint, f"release {release.number}")
        self.asked.append((release, event))
        if self.failure:
            raise ReleaseFailed(self.failure)
        return self.answer
