"""GET /endpoints/{endpoint}/rollouts: which rollouts there were."""

from __future__ import annotations

from typing import Any

from serinus import settings, wiring
from serinus.adapters.control_api.app import ControlApi
from serinus.adapters.control_api.bodies import ListAsked
from serinus.adapters.schemas.rollout_documents import rollout_document
from serinus.use_cases.list_rollouts import list_rollouts

_LOOKING = wiring.looking(settings.read(settings.ListRolloutsSettings))
_API = ControlApi()


@_API.get("/endpoints/<endpoint>/rollouts")
def _list(endpoint: str) -> dict[str, object]:
    found = list_rollouts(endpoint, at_most=_API.query(ListAsked).at_most, looking=_LOOKING)
    return {"endpoint": endpoint, "rollouts": [rollout_document(rollout) for rollout in found]}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer with the latest rollouts, the latest first."""
    return _API.resolve(event, context)
