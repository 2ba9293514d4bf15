"""An upload's manifest has arrived: register the model."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import UploadArrived
from serinus.use_cases.register_model import register_model

_REGISTRY = wiring.registry(settings.read(settings.RegisterModelSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer what became of the upload."""
    arrived = UploadArrived.model_validate(event)
    result = register_model(arrived.key, execution=arrived.execution, registry=_REGISTRY)
    return {
        "endpoint": result.endpoint,
        "upload": result.upload,
        "status": str(result.status),
        "version": result.version,
        "reason": result.reason,
    }
