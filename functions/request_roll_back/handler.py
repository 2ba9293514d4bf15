"""POST /endpoints/{endpoint}/rollback and …/rollouts/{rollout}/abort: a person wants traffic back at once."""

from __future__ import annotations

from typing import Any

from serinus import settings, wiring
from serinus.adapters.control_api.app import ControlApi
from serinus.adapters.control_api.bodies import AbortAsked, RollBackAsked
from serinus.adapters.schemas.rollout_documents import returned_document
from serinus.use_cases.request_roll_back import request_roll_back

_RETURNING = wiring.returning(settings.read(settings.RequestRollBackSettings))
_API = ControlApi()


@_API.post("/endpoints/<endpoint>/rollback")
def _roll_back(endpoint: str) -> dict[str, object]:
    asked = _API.body(RollBackAsked)
    returned = request_roll_back(
        endpoint,
        actor=_API.caller,
        reason=asked.reason,
        rollout=asked.rollout,
        to=asked.to,
        leaving=asked.leaving,
        returning=_RETURNING,
    )
    return returned_document(endpoint, returned)


@_API.post("/endpoints/<endpoint>/rollouts/<rollout>/abort")
def _abort(endpoint: str, rollout: str) -> dict[str, object]:
    asked = _API.body(AbortAsked)
    returned = request_roll_back(
        endpoint, actor=_API.caller, reason=asked.reason, abort=rollout, returning=_RETURNING
    )
    return returned_document(endpoint, returned)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer where traffic goes now."""
    return _API.resolve(event, context)
