"""Makes a bearer token that opens one endpoint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from serinus.domain.ledger import Action
from serinus.domain.token import Token, active_under
from serinus.errors import TokenRefused
from serinus.use_cases.keep_tokens import Keeping, MadeToken, drawn, record, token_of

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)


def make_token(
    endpoint: str,
    *,
    name: str,
    lifetime: timedelta,
    actor: str,
    keeping: Keeping,
    calls_per_minute: int | None = None,
) -> MadeToken:
    """Make a token under a name that has none which opens anything.

    It is on record before its secret is returned: a token that the ledger does not know opens nothing, because
    nobody has seen it.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        TokenRefused: the name is none or taken, or the endpoint's policy asks for no tokens, or counts no calls.
    """
    if not _NAME.fullmatch(name):
        raise TokenRefused(
            f"{name[:70]!r} cannot name a token: use up to 63 lower-case letters, digits, '.', '_' and '-'"
        )
    policy, now, bearer = keeping.policies.get(endpoint), keeping.clock(), drawn(keeping)
    made = token_of(bearer, policy, name=name, at=now, lifetime=lifetime, calls_per_minute=calls_per_minute)

    def decide(tokens: Sequence[Token]) -> Sequence[Token]:
        if active_under(name, tokens, now):
            raise TokenRefused(
                f"endpoint {endpoint!r} has a token {name!r} already: rotate or revoke it, or take another name"
            )
        return [made]

    keeping.tokens.change(endpoint, decide)
    record(Action.TOKEN_MADE, made, actor=actor, at=now, keeping=keeping, expires_at=made.expires_at.isoformat())
    return MadeToken(made, bearer)
