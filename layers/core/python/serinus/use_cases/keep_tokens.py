"""What making, rotating and revoking tokens have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.serving import Authorisation
from serinus.domain.token import ID_BYTES, SECRET_BYTES, Bearer, Token
from serinus.errors import TokenRefused
from serinus.use_cases.ports.callers import Decisions, Tokens
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Ledger

DECISIONS_LAST = timedelta(seconds=300)  # how long the gateway remembers that a caller may pass


@dataclass(frozen=True)
class Keeping:
    """What keeping tokens takes; `random` returns that many bytes nobody can foresee."""

    policies: Policies
    tokens: Tokens
    ledger: Ledger
    decisions: Decisions
    clock: Clock
    random: Callable[[int], bytes]


@dataclass(frozen=True)
class MadeToken:
    """A new token, and the secret, which nobody will see again.

    Attributes:
        at_once: whether what it replaced opens nothing any more, or may until the gateway forgets.
    """

    token: Token
    bearer: Bearer
    at_once: bool = True


def drawn(keeping: Keeping) -> Bearer:
    """Draw a new token."""
    return Bearer(keeping.random(ID_BYTES).hex(), keeping.random(SECRET_BYTES).hex())


def token_of(
    bearer: Bearer, policy: Policy, *, name: str, at: datetime, lifetime: timedelta, calls_per_minute: int | None
) -> Token:
    """Return what is kept of a new token.

    Raises:
        TokenRefused: it would open nothing, or be bounded where calls are not counted.
    """
    serving = policy.serving
    if serving.authorisation is not Authorisation.TOKEN:
        raise TokenRefused(
            f"endpoint {policy.endpoint!r} is authorised by {serving.authorisation.value!r}, so no token opens it: "
            "set serving.authorisation = 'token' in its policy and deploy"
        )
    if calls_per_minute is not None and not serving.throttle_callers:
        raise TokenRefused(
            f"endpoint {policy.endpoint!r} does not count the calls of its callers: set "
            "serving.throttle_callers = true in its policy and deploy, or leave the bound out"
        )
    return Token(
        endpoint=EndpointName(policy.endpoint),
        id=bearer.id,
        name=name,
        digest=bearer.digest,
        last_four=bearer.secret[-4:],
        created_at=at,
        expires_at=at + lifetime,
        calls_per_minute=calls_per_minute,
    )


def record(action: Action, token: Token, *, actor: str, at: datetime, keeping: Keeping, **more: Detail) -> None:
    """Put a deed on record, once however often it is repeated; neither secret nor digest is told."""
    details: Mapping[str, Detail] = {"token": token.id, "name": token.name, **more}
    keeping.ledger.append(
        LedgerEntry(token.endpoint, f"{action.value}/{token.id}", action, actor, at, details=details)
    )
