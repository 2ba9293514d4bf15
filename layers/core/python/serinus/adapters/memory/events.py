"""An event bus that keeps what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serinus.domain.ledger import LedgerEntry


@dataclass(frozen=True)
class PublishedEvent:
    """An event as it was published."""

    name: str
    entry: LedgerEntry

    @property
    def endpoint(self) -> str:
        """Whom it is about."""
        return self.entry.endpoint

    @property
    def detail(self) -> Mapping[str, object]:
        """What it says."""
        return self.entry.details


class MemoryEvents:
    """`Events` for tests and benchmarks; `published` holds everything, oldest first."""

    def __init__(self) -> None:
        self.published: list[PublishedEvent] = []

    def publish(self, name: str, entry: LedgerEntry) -> None:
        """Keep the event."""
        self.published.append(PublishedEvent(name, entry))
