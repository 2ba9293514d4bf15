"""How documents are laid out: one partition an endpoint; numbers are padded, so that keys sort as they do."""

from __future__ import annotations

from datetime import UTC, datetime

VERSIONS = "version#"
ROLLOUTS = "rollout#"
RELEASES = "release#"
LEDGER = "ledger#"
TOKENS = "token#"

VERSION_COUNTER = "counter#version"
LEDGER_HEAD = "ledger-head"
GUARD_OF_TOKENS = "token-guard"
ROLLOUT_LOCK = "rollout-active"  # outside of "rollout#", which lists rollouts


def partition(endpoint: str) -> str:
    """Return the partition that holds everything of an endpoint.

    >>> partition("fraud")
    'endpoint#fraud'
    """
    return f"endpoint#{endpoint}"


def upload(upload_id: str) -> str:
    """Return the key of an upload's record."""
    return f"upload#{upload_id}"


def content(digest: str) -> str:
    """Return the key that says which version has this content."""
    return f"content#{digest}"


def version(number: int) -> str:
    """Return the key of a model version.

    >>> version(12)
    'version#000012'
    """
    return f"{VERSIONS}{number:06d}"


def rollout(rollout_id: str) -> str:
    """Return the key of a rollout."""
    return f"{ROLLOUTS}{rollout_id}"


def decisions(rollout_id: str) -> str:
    """Return the prefix of a rollout's decisions."""
    return f"decision#{rollout_id}#"


def decision(rollout_id: str, at: datetime) -> str:
    """Return the key of one decision.

    >>> decision("fraud-3", datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    'decision#fraud-3#2026-03-04T05:06:00.000000+00:00'
    """
    return decisions(rollout_id) + at.astimezone(UTC).isoformat(timespec="microseconds")


def release(number: int) -> str:
    """Return the key of a release."""
    return f"{RELEASES}{number:08d}"


def token(token_id: str) -> str:
    """Return the key of a bearer token's record."""
    return f"{TOKENS}{token_id}"


def ledger(sequence: int) -> str:
    """Return the key of a ledger entry."""
    return f"{LEDGER}{sequence:08d}"


def ledger_id(entry_id: str) -> str:
    """Return the key that says which entry records this deed."""
    return f"ledger-id#{entry_id}"
