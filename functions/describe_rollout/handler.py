"""GET /endpoints/{endpoint}/rollouts/{rollout}: how a rollout stands, `active` being the one under way."""

from __future__ import annotations

from typing import Any

from serinus import settings, wiring
from serinus.adapters.control_api.app import ControlApi
from serinus.adapters.control_api.bodies import DescriptionAsked
from serinus.adapters.schemas.rollout_documents import described_document
from serinus.use_cases.describe_rollout import describe_rollout

_LOOKING = wiring.looking(settings.read(settings.DescribeRolloutSettings))
_API = ControlApi()


@_API.get("/endpoints/<endpoint>/rollouts/<rollout>")
def _describe(endpoint: str, rollout: str) -> dict[str, object]:
    asked = _API.query(DescriptionAsked)
    return described_document(describe_rollout(endpoint, rollout, looking=_LOOKING), decisions=asked.decisions)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer with its state and the latest looks at it."""
    return _API.resolve(event, context)
