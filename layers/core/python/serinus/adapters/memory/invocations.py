"""Answers for releases that nothing runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from serinus.domain.rollout import Release
from serinus.errors import ReleaseBusy, ReleaseFailed, ReleaseNotFound


class MemoryInvocations:
    """`Invocations` for tests.

    Attributes:
        answer: what every release answers.
        pruned: the numbers of those that are no more.
        reply: gives the answer to an event, where it is set.
        busy: how many requests Lambda turns away, from now on.
        failure: raised where it is set.
        asked: every event, and the release it was sent to.
    """

    def __init__(self) -> None:
        self.answer: Mapping[str, object] = {"statusCode": 200, "body": "{}"}
        self.pruned: set[int] = set()
        self.reply: Callable[[Mapping[str, object]], Mapping[str, object]] | None = None
        self.busy = 0
        self.failure: str | None = None
        self.asked: list[tuple[Release, Mapping[str, object]]] = []

    def ask(self, release: Release, event: Mapping[str, object]) -> Mapping[str, object]:
        """Return `answer`, or what `reply` says.

        Raises:
            ReleaseNotFound: the test said that it was pruned.
            ReleaseBusy: the test said so.
            ReleaseFailed: the test said so.
        """
        if release.number in self.pruned:
            raise ReleaseNotFound(release.endpoint, f"release {release.number}")
        if self.busy:
            self.busy -= 1
            raise ReleaseBusy(f"release {release.number} was turned away")
        self.asked.append((release, event))
        if self.failure:
            raise ReleaseFailed(self.failure)
        return self.reply(event) if self.reply else self.answer
