"""A rollout has begun: publish its candidate and give it its shadow or its first traffic."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import PublicationWanted, progress_payload
from serinus.use_cases.publish_release import publish_release

_PUBLISHING = wiring.publishing(settings.read(settings.PublishReleaseSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how the rollout stands."""
    wanted = PublicationWanted.model_validate(event)
    progress = publish_release(wanted.endpoint, wanted.rollout, publishing=_PUBLISHING, shadows=wanted.shadows)
    return progress_payload(progress)
