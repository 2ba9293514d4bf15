"""A deploy has changed what an endpoint's next release is made of: have it rolled out."""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import Deployed
from serinus.use_cases.follow_deployment import follow_deployment

_FOLLOWING = wiring.following(settings.read(settings.FollowDeploymentSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer which execution rolls it out, or why none does."""
    deployed = Deployed.model_validate(event)
    return dataclasses.asdict(follow_deployment(deployed.endpoint, following=_FOLLOWING))
