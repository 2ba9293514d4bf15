"""What is told of deeds: the ledger, the event bus, the series of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from serinus.domain.figures import Figures
from serinus.domain.ledger import LedgerEntry


class Ledger(Protocol):
    """The append-only record."""

    def append(self, entry: LedgerEntry) -> LedgerEntry:
        """Chain the entry to the last one; return the stored entry, which is the earlier one if its id is known."""

    def find(self, endpoint: str, entry: str) -> LedgerEntry | None:
        """Return the entry of that id, or `None` while the deed is not recorded."""

    def entries(self, endpoint: str) -> Sequence[LedgerEntry]:
        """Return every entry, in order."""


class Events(Protocol):
    """The `serinus` event bus: it tells of what goes on record."""

    def publish(self, name: str, entry: LedgerEntry) -> None:
        """Publish an event such as `DriftDetected`; of the same deed it is the same event, however often it comes."""


class Metrics(Protocol):
    """Series of figures over time, which dashboards draw and alarms watch."""

    def put(self, endpoint: str, release: int, figures: Figures) -> None:
        """Publish the figures of one look."""
