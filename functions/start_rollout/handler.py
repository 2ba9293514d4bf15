"""A model version is validated, or a deploy has changed what serves: begin its rollout."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import RolloutWanted
from serinus.use_cases.start_rollout import start_rollout

_STARTING = wiring.starting(settings.read(settings.StartRolloutSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer whether the rollout goes on, waits its turn, or is refused."""
    wanted = RolloutWanted.model_validate(event)
    start = start_rollout(
        wanted.endpoint,
        wanted.version,
        execution=wanted.execution,
        starting=_STARTING,
        asked_at=wanted.started_at,
        deployment=wanted.deployment,
    )
    return {
        "endpoint": start.endpoint,
        "version": wanted.version,
        "rollout": start.rollout,
        "status": str(start.status),
        "wait_seconds": start.wait_seconds,
        "reason": start.reason,
    }
