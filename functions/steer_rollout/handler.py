"""POST /endpoints/{endpoint}/rollouts/{rollout}/pause, resume or promote: a person steers a rollout."""

from __future__ import annotations

from typing import Any

from serinus import settings, wiring
from serinus.adapters.control_api.app import ControlApi
from serinus.adapters.control_api.bodies import STEERING
from serinus.adapters.schemas.rollout_documents import rollout_document
from serinus.domain.steering import Wish
from serinus.use_cases.steer_rollout import steer_rollout

_GUIDING = wiring.guiding(settings.read(settings.SteerRolloutSettings))
_API = ControlApi()


@_API.post("/endpoints/<endpoint>/rollouts/<rollout>/<deed>")
def _steer(endpoint: str, rollout: str, deed: str) -> dict[str, object]:
    wish = Wish(deed)
    asked = _API.body(STEERING[wish])
    steered = steer_rollout(
        endpoint,
        rollout,
        wish,
        actor=_API.caller,
        reason=asked.reason,
        forced=asked.forced,
        guiding=_GUIDING,
    )
    return {"rollout": rollout_document(steered)}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer how the rollout stands; its next tick heeds the wish."""
    return _API.resolve(event, context)
