"""Calls counted in a dictionary."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime

from serinus.domain.token import Token


class MemoryCalls:
    """`Calls` for tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[tuple[str, str, datetime]] = Counter()

    def admit(self, token: Token, at: datetime, *, at_most: int) -> bool:
        """Count a call within the minute of `at`; `False`, and uncounted, where that minute has had as many."""
        key = (token.endpoint, token.id, at.replace(second=0, microsecond=0))
        with self._lock:
            if self._counted[key] >= at_most:
                return False
            self._counted[key] += 1
            return True
