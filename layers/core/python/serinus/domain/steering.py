"""What a person wishes of a rollout that is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Wish(StrEnum):
    """What can be wished, and is carried out by the rollout's next tick."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"


@dataclass(frozen=True)
class Steering:
    """The wish that stands.

    Attributes:
        actor: who wishes it, by the name AWS verified.
        reason: why, for the record.
        at: when; with the wish it names the deed in the ledger.
        forced: whether a promotion goes ahead although something speaks against the candidate.
    """

    wish: Wish
    actor: str
    reason: str
    at: datetime
    forced: bool = False

    def after(self, before: Steering | None) -> Steering | None:
        """Return what stands once this is wished after `before`: the last wish, unless it says nothing new.

        A wish that stands already stays as it was first wished, and there is nothing to resume but a pause.
        """
        standing = None if before is None else before.wish
        if self.wish is Wish.RESUME:
            return self if standing is Wish.PAUSE else before
        if before is not None and standing is self.wish and before.forced >= self.forced:
            return before
        return self
