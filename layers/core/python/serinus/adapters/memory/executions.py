"""Executions that nothing carries out."""

from __future__ import annotations

from collections.abc import Mapping


class MemoryExecutions:
    """`Executions` for tests; `started` holds each one's input by its name."""

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, object]] = {}

    def start(self, name: str, payload: Mapping[str, object]) -> bool:
        """Note one; `False`, and nothing noted, where one of that name was started before."""
        return self.started.setdefault(name, payload) is payload
