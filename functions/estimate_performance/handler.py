"""The endpoint's schedule: is the live release still good enough, as far as its scores tell?"""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import PerformanceCheckDue
from serinus.use_cases.estimate_performance import estimate_performance

_ESTIMATING = wiring.estimating(settings.read(settings.EstimatePerformanceSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer what was estimated."""
    due = PerformanceCheckDue.model_validate(event)
    return dataclasses.asdict(estimate_performance(due.endpoint, estimating=_ESTIMATING))
