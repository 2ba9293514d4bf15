"""A rollout has begun: publish its candidate and give it its first traffic."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import RolloutNamed, progress_payload
from serinus.use_cases.publish_release import publish_release

_PUBLISHING = wiring.publishing(settings.read(settings.PublishReleaseSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how the rollout stands."""
    named = RolloutNamed.model_validate(event)
    return progress_payload(publish_release(named.endpoint, named.rollout, publishing=_PUBLISHING))
