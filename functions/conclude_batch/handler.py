"""A batch's parts were tried: say whether it is whole."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.batch_payloads import BatchNamed, conclusion_payload
from serinus.use_cases.conclude_batch import conclude_batch

_CONCLUDING = wiring.concluding(settings.read(settings.ConcludeBatchSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer where the manifest is, or which parts are missing."""
    wanted = BatchNamed.model_validate(event)
    return conclusion_payload(conclude_batch(wanted.folder, concluding=_CONCLUDING))
