"""The endpoint's schedule: has live traffic drifted?"""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import DriftCheckDue
from serinus.use_cases.detect_drift import detect_drift

_WATCHING = wiring.watching(settings.read(settings.DetectDriftSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer what the check found."""
    due = DriftCheckDue.model_validate(event)
    return dataclasses.asdict(detect_drift(due.endpoint, watching=_WATCHING))
