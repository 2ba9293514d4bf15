"""A tick of a rollout: look at what its releases did, and act on it."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import RolloutNamed, progress_payload
from serinus.use_cases.advance_rollout import advance_rollout

_ADVANCING = wiring.advancing(settings.read(settings.AdvanceRolloutSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how the rollout stands."""
    named = RolloutNamed.model_validate(event)
    return progress_payload(advance_rollout(named.endpoint, named.rollout, advancing=_ADVANCING))
