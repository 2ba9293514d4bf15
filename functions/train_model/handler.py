"""A snapshot is taken: train on it, and upload the model."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import TrainingWanted
from serinus.use_cases.train_model import train_model

_TRAINING = wiring.training(settings.read(settings.TrainModelSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer which upload the model became."""
    wanted = TrainingWanted.model_validate(event)
    return {"endpoint": wanted.endpoint, "upload": train_model(wanted.endpoint, wanted.snapshot, training=_TRAINING)}
