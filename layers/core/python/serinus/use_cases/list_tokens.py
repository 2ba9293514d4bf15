"""Lists an endpoint's bearer tokens, without their secrets, which nobody has kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from serinus.domain.token import Token, TokenState
from serinus.use_cases.ports.callers import Tokens
from serinus.use_cases.ports.endpoints import Policies


@dataclass(frozen=True)
class ListedToken:
    """A token, and whether it opens the endpoint now."""

    token: Token
    state: TokenState


def list_tokens(endpoint: str, *, policies: Policies, tokens: Tokens, at: datetime) -> Sequence[ListedToken]:
    """Return every token that was ever made, in order, and how it stands at an instant.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policies.get(endpoint)
    return [ListedToken(token, token.state(at)) for token in tokens.list(endpoint)]
