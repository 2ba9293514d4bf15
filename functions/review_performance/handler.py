"""The endpoint's schedule: is the live release as good as it should be, by the labels that have come?"""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import PerformanceCheckDue
from serinus.use_cases.review_performance import review_performance

_REVIEWING = wiring.reviewing(settings.read(settings.ReviewPerformanceSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer what the labels say."""
    due = PerformanceCheckDue.model_validate(event)
    return dataclasses.asdict(review_performance(due.endpoint, reviewing=_REVIEWING))
