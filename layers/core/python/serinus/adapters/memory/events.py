"""An event bus that keeps what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedEvent:
    """An event as it was published."""

    name: str
    endpoint: str
    detail: Mapping[str, object]


class MemoryEvents:
    """`Events` for tests and benchmarks; `published` holds everything, oldest first."""

    def __init__(self) -> None:
        self.published: list[PublishedEvent] = []

    def publish(self, name: str, endpoint: str, detail: Mapping[str, object]) -> None:
        """Keep the event."""
        self.published.append(PublishedEvent(name, endpoint, dict(detail)))
