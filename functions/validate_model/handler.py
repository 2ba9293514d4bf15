"""A model version is registered: hold it against every gate."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import ModelVersionNamed
from serinus.use_cases.validate_model import validate_model

_VALIDATION = wiring.validation(settings.read(settings.ValidateModelSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer whether the version may be released."""
    named = ModelVersionNamed.model_validate(event)
    version = validate_model(named.endpoint, named.version, validation=_VALIDATION)
    return {"endpoint": version.endpoint, "version": version.number, "status": str(version.status)}
