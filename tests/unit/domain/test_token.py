"""Bearer tokens: which open, and that their secrets stay secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from serinus.domain.policy import EndpointName
from serinus.domain.token import Bearer, Token, TokenState, active_under, parse_bearer

NOW = datetime(2026, 3, 4, tzinfo=UTC)
BEARER = Bearer("0123456789ab", "5" * 64)


def a_token(**fields: object) -> Token:
    """Return a token that opens `fraud` for a day, and the fields given."""
    token = Token(EndpointName("fraud"), BEARER.id, "ci", BEARER.digest, "5555", NOW, NOW + timedelta(days=1))
    return replace(token, **fields)  # type: ignore[arg-type]  # fields of any type


def test_a_token_opens_until_it_expires() -> None:
    """The instant of its expiry is the first at which it opens nothing."""
    token = a_token()
    assert token.opens_for(BEARER, NOW)
    assert token.opens_for(BEARER, token.expires_at - timedelta(microseconds=1))
    assert not token.opens_for(BEARER, token.expires_at)
    assert token.state(token.expires_at) is TokenState.EXPIRED


def test_a_revoked_token_opens_nothing() -> None:
    """Not even at the instant of its revocation; a second revocation does not move the first."""
    token = a_token().revoked(NOW)
    assert not token.opens_for(BEARER, NOW)
    assert token.state(NOW) is TokenState.REVOKED
    assert token.revoked(NOW + timedelta(days=3)) == token


@pytest.mark.parametrize("bearer", [Bearer(BEARER.id, "6" * 64), Bearer("ffffffffffff", BEARER.secret)])
def test_another_secret_or_id_opens_nothing(bearer: Bearer) -> None:
    """Both must fit."""
    assert not a_token().opens_for(bearer, NOW)


def test_ending_never_prolongs() -> None:
    """A token that ends sooner keeps its end."""
    token = a_token()
    assert token.ending(NOW + timedelta(hours=1)).expires_at == NOW + timedelta(hours=1)
    assert token.ending(NOW + timedelta(days=9)) == token


def test_the_secret_is_in_no_representation() -> None:
    """Neither what a caller holds nor what is kept shows it; what is kept cannot be turned back."""
    assert BEARER.secret not in f"{BEARER!r} {BEARER} {a_token()!r}"
    assert BEARER.secret in BEARER.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  ", " Bearer"])
def test_what_was_made_is_read_back(scheme: str) -> None:
    """The scheme's name is in any case (RFC 9110, 11.1), and blanks about it do no harm."""
    assert parse_bearer(f"{scheme} {BEARER.text} ") == BEARER


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        BEARER.text,
        f"Basic {BEARER.text}",
        f"Bearer {BEARER.text[:-1]}",
        f"Bearer {BEARER.text}0",
        f"Bearer {BEARER.text},Bearer {BEARER.text}",
        f"Bearer {BEARER.text[:-1]}g",
        f"Bearer {BEARER.text[:-1]}\u0665",
        "Bearer sr_0123456789ab_",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer sr_" + "_" * 10_000,
    ],
)
def test_what_is_no_token_is_none(header: str | None) -> None:
    """Neither another scheme, nor another length, nor another alphabet, nor two at once."""
    assert parse_bearer(header) is None


def test_only_active_tokens_hold_their_name() -> None:
    """A name whose tokens open nothing can be given again."""
    gone, gone_too = a_token(id="a" * 12).revoked(NOW), a_token(id="b" * 12, expires_at=NOW)
    other, holds = a_token(id="c" * 12, name="laptop"), a_token(id="d" * 12)
    assert active_under("ci", [gone, gone_too, other, holds], NOW) == [holds]
