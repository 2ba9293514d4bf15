"""Bearer tokens: what a caller who signs no requests shows to be let in, and what is kept of it.

A token reads `sr_<id>_<secret>`. The id finds the record; the secret is 256 random bits, of which only the SHA-256 is
kept. A slow hash such as bcrypt defends secrets that people choose and that can be guessed from a list; 2²⁵⁶ secrets
cannot be tried, however fast the hash, and a slow one would be paid by every caller at every check.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from serinus.domain.policy import EndpointName

ID_BYTES = 6
SECRET_BYTES = 32

_BEARER = re.compile(r"bearer +sr_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})", re.ASCII | re.IGNORECASE)


class TokenState(StrEnum):
    """Whether a token opens its endpoint."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Bearer:
    """What a caller holds. Its secret is left out of every representation, so that no log can hold it."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The token as the caller sends it; its prefix lets scanners of repositories find one that leaked."""
        return f"sr_{self.id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What is kept of the secret.

        >>> Bearer("0123456789ab", "00" * 32).digest[:16]
        '60e05bd1b195af2f'
        """
        return hashlib.sha256(self.secret.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Token:
    """What is kept of a token.

    Attributes:
        id: names this one token; it is no secret.
        name: who or what it was made for; a token made in place of another has the same name.
        digest: SHA-256 of the secret.
        last_four: the end of the secret, by which people tell tokens apart.
        expires_at: from when on it opens nothing.
        calls_per_minute: how many calls it is good for in each minute; `None` for no bound of its own.
    """

    endpoint: EndpointName
    id: str
    name: str
    digest: str
    last_four: str
    created_at: datetime
    expires_at: datetime
    calls_per_minute: int | None = None
    revoked_at: datetime | None = None

    def state(self, at: datetime) -> TokenState:
        """Return whether it opens its endpoint."""
        if self.revoked_at is not None and self.revoked_at <= at:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at <= at else TokenState.ACTIVE

    def opens_for(self, bearer: Bearer, at: datetime) -> bool:
        """Whether this caller may pass; comparing takes as long whatever the secret."""
        fits = hmac.compare_digest(self.digest, bearer.digest)
        return fits and self.id == bearer.id and self.state(at) is TokenState.ACTIVE

    def revoked(self, at: datetime) -> Token:
        """Return it opening nothing from `at` on; one that was revoked before stays as it is."""
        return self if self.revoked_at is not None else replace(self, revoked_at=at)

    def ending(self, at: datetime) -> Token:
        """Return it expiring at `at`, where it would have lived longer."""
        return replace(self, expires_at=min(self.expires_at, at))


def parse_bearer(header: str | None) -> Bearer | None:
    """Read an `Authorization` header; `None` where it holds no token of ours.

    >>> parse_bearer("Bearer sr_0123456789ab_" + "0" * 64)
    Bearer(id='0123456789ab')
    >>> parse_bearer("Basic c2VyaW51cw==") is None
    True
    """
    found = _BEARER.fullmatch((header or "").strip())
    return Bearer(found["id"].lower(), found["secret"].lower()) if found else None


def active_under(name: str, tokens: Sequence[Token], at: datetime) -> list[Token]:
    """Return the tokens of a name that still open something; while one replaces another these are two."""
    return [token for token in tokens if token.name == name and token.state(at) is TokenState.ACTIVE]
