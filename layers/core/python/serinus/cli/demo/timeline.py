"""Tells the ledger's entries as they are written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from serinus.cli.wording import in_words
from serinus.domain.ledger import LedgerEntry
from serinus.use_cases.ports.ledger import Ledger

_LOOK_SECONDS = 0.3


class Timeline:
    """Follows one endpoint's ledger in the background, and prints each entry once."""

    def __init__(self, ledger: Ledger, endpoint: str, console: Console, *, began: datetime) -> None:
        self._ledger = ledger
        self._endpoint = endpoint
        self._console = console
        self._began = began
        self._told = 0
        self._entries: tuple[LedgerEntry, ...] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Tell what is left, and stop."""
        self._stopping.set()
        self._thread.join()
        self._tell()

    def say(self, text: str) -> None:
        """Print a line of the demonstration's own."""
        seconds = time.time() - self._began.timestamp()
        self._console.print(f"[bold cyan]{seconds:6.1f} s[/]  [bold]{escape(text)}[/]", soft_wrap=True)

    def wait_for(self, wanted: Callable[[LedgerEntry], bool], *, seconds: float, what: str) -> LedgerEntry:
        """Wait until such an entry is written.

        Raises:
            TimeoutError: none was, in that many seconds.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for entry in self._entries:
                if wanted(entry):
                    return entry
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"{what} did not happen within {seconds:.0f} seconds")

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            self._tell()

    def _tell(self) -> None:
        self._entries = tuple(self._ledger.entries(self._endpoint))
        for entry in self._entries[self._told :]:
            seconds = (entry.at - self._began).total_seconds()
            self._console.print(f"[cyan]{seconds:6.1f} s[/]    {escape(in_words(entry))}", soft_wrap=True)
        self._told = len(self._entries)
