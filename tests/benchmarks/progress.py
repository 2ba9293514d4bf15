"""Says on standard error what is going on, so that standard output holds the tables alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Tell = Callable[[str], None]


def teller() -> Tell:
    """Return what tells progress, with the seconds since it was made."""
    begun = time.monotonic()

    def tell(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun:6.1f} s  {what}\n")
        sys.stderr.flush()

    return tell
