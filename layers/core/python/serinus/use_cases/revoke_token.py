"""Revokes bearer tokens, and has the gateway forget that it let them pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.domain.ledger import Action
from serinus.domain.token import Token, TokenState
from serinus.errors import TokenNotFound
from serinus.use_cases.keep_tokens import Keeping, record


@dataclass(frozen=True)
class Revocation:
    """What was revoked.

    Attributes:
        tokens: those that opened the endpoint until now.
        at_once: whether they open nothing any more, or may until the gateway forgets.
    """

    tokens: Sequence[Token]
    at_once: bool


def revoke_token(endpoint: str, *, wanted: str, actor: str, keeping: Keeping) -> Revocation:
    """Revoke the token of an id, or every token of a name.

    Revoking again is harmless, and makes up for a ledger entry that could not be written the first time.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        TokenNotFound: it never had such a token.
    """
    keeping.policies.get(endpoint)
    now = keeping.clock()

    def decide(tokens: Sequence[Token]) -> Sequence[Token]:
        return [token.revoked(now) for token in _named(wanted, tokens) if token.state(now) is TokenState.ACTIVE]

    revoked = keeping.tokens.change(endpoint, decide)
    known = _named(wanted, keeping.tokens.list(endpoint))
    if not known:
        raise TokenNotFound(endpoint, f"token {wanted!r}")
    for token in known:
        if token.revoked_at is not None:
            record(Action.TOKEN_REVOKED, token, actor=actor, at=token.revoked_at, keeping=keeping)
    return Revocation(revoked, at_once=keeping.decisions.forget())


def _named(wanted: str, tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if wanted in (token.id, token.name)]
