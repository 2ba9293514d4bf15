"""A gateway that remembers nothing."""

from __future__ import annotations


class MemoryDecisions:
    """`Decisions` for tests; `forgets` is whether we may have it forget."""

    def __init__(self, *, forgets: bool = True) -> None:
        self.forgets = forgets
        self.forgotten = 0

    def forget(self) -> bool:
        """Count that it was asked to."""
        self.forgotten += 1
        return self.forgets
