"""The endpoint's schedule: fold label files into a file a day."""

from __future__ import annotations

import dataclasses

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import CompactionDue
from serinus.use_cases.compact_labels import compact_labels

_COMPACTING = wiring.compacting_labels(settings.read(settings.CompactLabelsSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how many files were folded, into how many days."""
    due = CompactionDue.model_validate(event)
    return dataclasses.asdict(compact_labels(due.endpoint, compacting=_COMPACTING))
