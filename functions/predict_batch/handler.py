"""A part of a batch is due: score it."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.batch_payloads import PartWanted
from serinus.use_cases.predict_batch import predict_batch

_PREDICTING = wiring.predicting(settings.read(settings.PredictBatchSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how many rows it has."""
    wanted = PartWanted.model_validate(event)
    return {"rows": predict_batch(wanted.folder, wanted.part, predicting=_PREDICTING)}
