"""A batch begins: decide what it is."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.batch_payloads import BatchWanted, plan_payload
from serinus.use_cases.plan_batch import plan_batch

_PLANNING = wiring.planning(settings.read(settings.PlanBatchSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer which parts there are."""
    wanted = BatchWanted.model_validate(event)
    return plan_payload(plan_batch(wanted.endpoint, wanted.source, wanted.output, planning=_PLANNING))
