"""Optimistic writing: read, decide, write what was read; on a lost race, do it again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from serinus.errors import AlreadyExists, RevisionChanged

_ATTEMPTS = 12
_LONGEST_PAUSE_SECONDS = 0.5

Result = TypeVar("Result")


def retried(attempt: Callable[[], Result]) -> Result:
    """Return the result of the first attempt that loses no race, pausing longer after each that did.

    Raises:
        AlreadyExists: the last attempt lost.
        RevisionChanged: the last attempt lost.
    """
    chance = random.SystemRandom()
    for lost in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except (AlreadyExists, RevisionChanged):
            time.sleep(chance.uniform(0, min(0.01 * 2**lost, _LONGEST_PAUSE_SECONDS)))
    return attempt()
