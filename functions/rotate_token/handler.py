"""A person wants a bearer token in place of one."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.token_deeds import RotationWanted, made_document
from serinus.use_cases.rotate_token import rotate_token

_KEEPING = wiring.keeping(settings.read(settings.RotateTokenSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer with the new token, this once."""
    wanted = RotationWanted.model_validate(event)
    made = rotate_token(
        wanted.endpoint,
        name=wanted.name,
        overlap=wanted.overlap,
        lifetime=wanted.lifetime,
        actor=wanted.requested_by,
        keeping=_KEEPING,
    )
    return made_document(made)
