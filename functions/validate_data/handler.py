"""Rows have come that are to train or validate a model: hold them against the data gates."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import DataNamed
from serinus.use_cases.validate_data import validate_data

_SCREENING = wiring.screening(settings.read(settings.ValidateDataSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer whether the rows may be used."""
    named = DataNamed.model_validate(event)
    verdict = validate_data(named.endpoint, named.data, screening=_SCREENING)
    return {
        "endpoint": verdict.endpoint,
        "status": "accepted" if verdict.accepted else "rejected",
        "version": named.version,
        "snapshot": named.snapshot,
        "reason": verdict.reason,
    }
