"""Retraining has begun: take a snapshot of recent labelled traffic."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import SnapshotWanted
from serinus.use_cases.snapshot_data import snapshot_data

_SNAPSHOTTING = wiring.snapshotting(settings.read(settings.SnapshotDataSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer whether there is something to train on, or how long to wait for labels."""
    wanted = SnapshotWanted.model_validate(event)
    taken = snapshot_data(
        wanted.endpoint, started_at=wanted.started_at, reason=wanted.reason, snapshotting=_SNAPSHOTTING
    )
    return {
        "endpoint": taken.endpoint,
        "status": str(taken.status),
        "snapshot": taken.snapshot,
        "wait_seconds": taken.wait_seconds,
        "reason": taken.reason,
    }
