"""The endpoint's schedule: fold what was counted by minute."""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import CompactionDue
from serinus.use_cases.compact_profiles import compact_profiles

_COMPACTING = wiring.compacting(settings.read(settings.CompactProfilesSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how many hours and days were folded."""
    due = CompactionDue.model_validate(event)
    return dataclasses.asdict(compact_profiles(due.endpoint, compacting=_COMPACTING))
