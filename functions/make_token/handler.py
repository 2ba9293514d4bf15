"""A person wants a bearer token; nobody but functions may write what is kept of it."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.token_deeds import MakingWanted, made_document
from serinus.use_cases.make_token import make_token

_KEEPING = wiring.keeping(settings.read(settings.MakeTokenSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer with the token, this once."""
    wanted = MakingWanted.model_validate(event)
    made = make_token(
        wanted.endpoint,
        name=wanted.name,
        lifetime=wanted.lifetime,
        calls_per_minute=wanted.calls_per_minute,
        actor=wanted.requested_by,
        keeping=_KEEPING,
    )
    return made_document(made)
