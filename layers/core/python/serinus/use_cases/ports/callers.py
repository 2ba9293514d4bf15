"""Who may call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from serinus.domain.token import Token


class Tokens(Protocol):
    """What is kept of the bearer tokens that open endpoints."""

    def get(self, endpoint: str, token: str) -> Token | None:
        """Return the token of an id, or `None`."""

    def list(self, endpoint: str) -> Sequence[Token]:
        """Return every token, revoked and expired ones too, by when it was made."""

    def change(self, endpoint: str, decide: Callable[[Sequence[Token]], Sequence[Token]]) -> Sequence[Token]:
        """Store the tokens that `decide` returns for the endpoint's; where a race is lost, it decides again."""


class Calls(Protocol):
    """Counts the calls of tokens that are bounded."""

    def admit(self, token: Token, at: datetime, *, at_most: int) -> bool:
        """Count a call within the minute of `at`; `False`, and uncounted, where that minute has had as many."""


class Decisions(Protocol):
    """What the gateway remembers of who may pass."""

    def forget(self) -> bool:
        """Have every caller looked at anew; `False` where we may not, and what is remembered has to run out."""
