"""Executions that carry nothing out."""

from __future__ import annotations


class MemoryExecutions:
    """`Executions` for tests.

    Attributes:
        begun: by name, the endpoint and the model version.
        ended: the names of those that have ended.
    """

    def __init__(self) -> None:
        self.begun: dict[str, tuple[str, int]] = {}
        self.ended: set[str] = set()

    def begin(self, endpoint: str, version: int, name: str) -> str | None:
        """Begin a rollout's execution, and return its id; `None` where one of that name has ended."""
        if name in self.ended:
            return None
        self.begun[name] = endpoint, version
        return f"execution:{name}"
