"""A tick of a shadow: have the candidate answer a copy of live requests, and judge it by its answers."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import RolloutNamed, progress_payload
from serinus.use_cases.shadow_candidate import shadow_candidate

_SHADOWING = wiring.shadowing(settings.read(settings.ShadowCandidateSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how the rollout stands."""
    named = RolloutNamed.model_validate(event)
    return progress_payload(shadow_candidate(named.endpoint, named.rollout, shadowing=_SHADOWING))
