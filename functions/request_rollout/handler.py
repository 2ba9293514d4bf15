"""POST /endpoints/{endpoint}/rollouts: a person wants a model version rolled out."""

from __future__ import annotations

from typing import Any

from serinus import settings, wiring
from serinus.adapters.control_api.app import ControlApi
from serinus.adapters.control_api.bodies import RolloutAsked
from serinus.adapters.schemas.rollout_documents import requested_document
from serinus.use_cases.request_rollout import request_rollout

_REQUESTING = wiring.requesting(settings.read(settings.RequestRolloutSettings))
_API = ControlApi()


@_API.post("/endpoints/<endpoint>/rollouts")
def _request(endpoint: str) -> tuple[dict[str, object], int]:
    asked = _API.body(RolloutAsked)
    requested = request_rollout(
        endpoint, asked.version, actor=_API.caller, reason=asked.reason, requesting=_REQUESTING
    )
    return requested_document(requested), 202


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer which rollout it is to be; it begins by itself."""
    return _API.resolve(event, context)
