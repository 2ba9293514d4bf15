"""A model version is validated: begin its rollout."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import ModelVersionNamed
from serinus.use_cases.start_rollout import start_rollout

_STARTING = wiring.starting(settings.read(settings.StartRolloutSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer whether the rollout goes on, waits its turn, or is refused."""
    named = ModelVersionNamed.model_validate(event)
    start = start_rollout(
        named.endpoint, named.version, execution=named.execution, starting=_STARTING, asked_at=named.started_at
    )
    return {
        "endpoint": start.endpoint,
        "version": named.version,
        "rollout": start.rollout,
        "status": str(start.status),
        "wait_seconds": start.wait_seconds,
        "reason": start.reason,
    }
