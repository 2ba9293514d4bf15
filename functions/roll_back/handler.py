"""An alarm, `request_roll_back`, a rollout that failed or the end of its execution wants all traffic on stable."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import RollBackWanted, rolled_back_payload
from serinus.use_cases.roll_back import roll_back

_CONDUCTING = wiring.rolling_back(settings.read(settings.RollBackSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer where traffic goes now."""
    return rolled_back_payload(roll_back(RollBackWanted.model_validate(event).as_request(), conducting=_CONDUCTING))
