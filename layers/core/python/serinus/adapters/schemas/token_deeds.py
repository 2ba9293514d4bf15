"""What the functions that keep tokens are asked, and answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from serinus.domain.token import Token, TokenState
from serinus.use_cases.keep_tokens import MadeToken
from serinus.use_cases.revoke_token import Revocation

LONGEST_DAYS = 3_650

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Days = Annotated[int, Field(strict=True, ge=1, le=LONGEST_DAYS)]


class _Wanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: _Text
    name: _Text
    requested_by: _Text


class MakingWanted(_Wanted):
    """A person wants a token."""

    expires_days: _Days
    calls_per_minute: Annotated[int, Field(strict=True, ge=1)] | None = None

    @property
    def lifetime(self) -> timedelta:
        """How long it shall be good."""
        return timedelta(days=self.expires_days)


class RotationWanted(_Wanted):
    """A person wants a token in place of one."""

    overlap_hours: Annotated[float, Field(ge=0, le=24 * LONGEST_DAYS)]
    expires_days: _Days | None = None

    @property
    def overlap(self) -> timedelta:
        """How much longer the old one shall be good."""
        return timedelta(hours=self.overlap_hours)

    @property
    def lifetime(self) -> timedelta | None:
        """How long the new one shall be good; `None` for as long as the old one was."""
        return None if self.expires_days is None else timedelta(days=self.expires_days)


class RevocationWanted(_Wanted):
    """A person wants a token revoked; `name` may be an id."""


def token_document(token: Token, state: TokenState) -> dict[str, object]:
    """Return what may be told of a token."""
    return {
        "id": token.id,
        "endpoint": token.endpoint,
        "name": token.name,
        "state": state.value,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "revoked_at": None if token.revoked_at is None else token.revoked_at.isoformat(),
        "last_four": token.last_four,
        "calls_per_minute": token.calls_per_minute,
    }


def made_document(made: MadeToken) -> dict[str, object]:
    """Return a new token with its secret, which this answer alone holds."""
    told = token_document(made.token, TokenState.ACTIVE)
    return {**told, "secret": made.bearer.text, "at_once": made.at_once}


def revocation_document(revocation: Revocation) -> dict[str, object]:
    """Return what was revoked."""
    revoked = [token_document(token, TokenState.REVOKED) for token in revocation.tokens]
    return {"revoked": revoked, "at_once": revocation.at_once}
