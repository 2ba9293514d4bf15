"""Makes a new bearer token in place of one, which goes on for a while, so that callers can change over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from serinus.domain.ledger import Action
from serinus.domain.token import Token, active_under
from serinus.errors import TokenNotFound
from serinus.use_cases.keep_tokens import Keeping, MadeToken, drawn, record, token_of

_AT_ONCE = timedelta(0)


def rotate_token(
    endpoint: str,
    *,
    name: str,
    overlap: timedelta,
    actor: str,
    keeping: Keeping,
    lifetime: timedelta | None = None,
) -> MadeToken:
    """Make a token under the name of one, with its bound and, unless told otherwise, for as long.

    Args:
        endpoint: what it opens.
        name: what the token is called that is replaced.
        overlap: how much longer that one opens the endpoint; none revokes it.
        actor: who asks, for the ledger.
        keeping: the ports.
        lifetime: how long the new one lives.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        TokenNotFound: no token of that name opens anything.
        TokenRefused: the endpoint's policy asks for no tokens any more.
    """
    policy, now, bearer = keeping.policies.get(endpoint), keeping.clock(), drawn(keeping)

    def decide(tokens: Sequence[Token]) -> Sequence[Token]:
        active = active_under(name, tokens, now)
        if not active:
            raise TokenNotFound(endpoint, f"token {name!r} that could be replaced")
        last = active[-1]
        made = token_of(
            bearer,
            policy,
            name=name,
            at=now,
            lifetime=lifetime or last.expires_at - last.created_at,
            calls_per_minute=last.calls_per_minute,
        )
        left = [token.ending(now + overlap) if overlap > _AT_ONCE else token.revoked(now) for token in active]
        return [made, *left]

    made, *replaced = keeping.tokens.change(endpoint, decide)
    record(
        Action.TOKEN_ROTATED,
        made,
        actor=actor,
        at=now,
        keeping=keeping,
        expires_at=made.expires_at.isoformat(),
        replaced=", ".join(token.id for token in replaced),
        replaced_until=(now + overlap).isoformat(),
    )
    return MadeToken(made, bearer, at_once=keeping.decisions.forget() if overlap <= _AT_ONCE else True)
