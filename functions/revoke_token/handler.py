"""A person wants a bearer token to open nothing any more."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.token_deeds import RevocationWanted, revocation_document
from serinus.use_cases.revoke_token import revoke_token

_KEEPING = wiring.keeping(settings.read(settings.RevokeTokenSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer what was revoked, and whether at once."""
    wanted = RevocationWanted.model_validate(event)
    revocation = revoke_token(wanted.endpoint, wanted=wanted.name, actor=wanted.requested_by, keeping=_KEEPING)
    return revocation_document(revocation)
