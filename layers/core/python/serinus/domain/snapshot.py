"""A snapshot: an immutable dataset, known by the digest of what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from serinus.domain.policy import EndpointName


@dataclass(frozen=True)
class Snapshot:
    """Labelled rows from live traffic, split by time into what trains and what validates.

    Attributes:
        digest: of the rows themselves; the same rows are the same snapshot.
        target: the name of the label's column.
        start: the earliest request in it.
        end: the latest request in it.
        reason: why it was taken.
    """

    endpoint: EndpointName
    digest: str
    target: str
    train_rows: int
    holdout_rows: int
    start: datetime
    end: datetime
    taken_at: datetime
    reason: str
