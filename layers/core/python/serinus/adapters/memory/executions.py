"""Executions that nothing carries out."""

from __future__ import annotations

from collections.abc import Mapping


class MemoryExecutions:
    """`Executions` for tests.

    Attributes:
        started: each one's input by its name.
        ended: the names of those that have ended.
    """

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, object]] = {}
        self.ended: set[str] = set()

    def start(self, name: str, payload: Mapping[str, object]) -> str | None:
        """Note one, and return its id; `None`, and nothing noted, where one of that name has ended, or differs."""
        if name in self.ended or self.started.setdefault(name, payload) != payload:
            return None
        return f"execution:{name}"
