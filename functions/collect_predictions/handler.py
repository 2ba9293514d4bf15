"""The log delivers a batch of predictions: count them and keep them."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.log_batch import read_log_batch
from serinus.use_cases.collect_predictions import collect_predictions

_COLLECTING = wiring.collecting(settings.read(settings.CollectPredictionsSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer how many profile parts were written."""
    batch = read_log_batch(event)
    return {"parts": collect_predictions(batch, collecting=_COLLECTING) if batch else 0}
