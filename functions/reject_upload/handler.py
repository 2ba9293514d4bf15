"""A step of the release pipeline has ended without a result: the upload must not wait for one."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.payloads import StepStopped
from serinus.use_cases.reject_upload import reject_upload

_REJECTING = wiring.rejecting(settings.read(settings.RejectUploadSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer whether the upload was rejected; the machine goes on with one that was validated before."""
    told = StepStopped.model_validate(event)
    rejection = reject_upload(told.key, told.as_stopped(), execution=told.execution, rejecting=_REJECTING)
    return {
        "status": str(rejection.status),
        "endpoint": rejection.endpoint,
        "version": rejection.version,
        "reason": rejection.reason,
    }
