"""Decides whether a caller who shows a bearer token may pass."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.token import Token, parse_bearer
from serinus.use_cases.ports.callers import Calls, Tokens
from serinus.use_cases.ports.clock import Clock


@dataclass(frozen=True)
class Authorising:
    """What looking at callers takes."""

    tokens: Tokens
    calls: Calls
    clock: Clock


def authorise_caller(endpoint: str, header: str | None, *, authorising: Authorising) -> Token | None:
    """Return the token that lets the caller in, or `None`.

    What has not the shape of a token costs no look into the table. A bounded token counts the call; one over its
    bound in this minute is turned away like any other.
    """
    bearer, now = parse_bearer(header), authorising.clock()
    token = authorising.tokens.get(endpoint, bearer.id) if bearer else None
    if bearer is None or token is None or not token.opens_for(bearer, now):
        return None
    bound = token.calls_per_minute
    return token if bound is None or authorising.calls.admit(token, now, at_most=bound) else None
