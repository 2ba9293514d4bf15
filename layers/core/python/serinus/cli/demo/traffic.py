"""Live traffic: the market's rows, in time order, through the endpoint's HTTP API at a steady pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from serinus.cli.demo.market import Market
from serinus.domain.inference_request import request_body
from serinus.domain.signature import Signature
from serinus.domain.table import Table

_SENDERS = 8
_LOOK_SECONDS = 0.2

Send = Callable[[dict[str, object]], int]  # sends a body, returns the HTTP status


@dataclass(frozen=True)
class Sent:
    """One request: the rows it asked about, the instant of its answer, and the answer's HTTP status."""

    first_row: int
    rows: int
    answered_at: float
    status: int

    @property
    def id(self) -> str:
        """The request's own id, by which its labels come."""
        return f"half-hour-{self.first_row}"


class LiveTraffic:
    """Sends in the background from `start` to `stop`; the pace may be changed meanwhile."""

    def __init__(self, market: Market, signature: Signature, send: Send, *, first_row: int) -> None:
        self._market = market
        self._signature = signature
        self._send = send
        self._next_row = first_row
        self._rows_per_request = 1
        self._pause_seconds = 0.05
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(2 * _SENDERS)  # a slow endpoint slows the traffic: it never piles up
        self._sent: list[Sent] = []
        self._labelled = 0
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self, *, requests_per_second: float, rows_per_request: int = 1) -> None:
        """Begin to send."""
        self.pace(requests_per_second=requests_per_second, rows_per_request=rows_per_request)
        self._thread.start()

    def pace(self, *, requests_per_second: float, rows_per_request: int = 1) -> None:
        """Change the pace."""
        with self._lock:
            self._pause_seconds = 1 / requests_per_second
            self._rows_per_request = rows_per_request

    def skip_to(self, row: int) -> None:
        """Let time pass: the next request asks about this row."""
        with self._lock:
            self._next_row = max(row, self._next_row)

    def wait_until(self, row: int, *, seconds: float) -> None:
        """Wait until everything before this row has been asked about.

        Raises:
            TimeoutError: it was not, in that many seconds.
        """
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                asked = self._next_row
            if asked >= row:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"callers have come to row {asked}, not to {row}, within {seconds:.0f} seconds")
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Stop, once what is on its way has been answered."""
        self._stopping.set()
        self._thread.join()

    @property
    def sent(self) -> tuple[Sent, ...]:
        """Everything answered so far."""
        with self._lock:
            return tuple(self._sent)

    def new_labels(self) -> Table:
        """Return the labels of everything answered since the last call: the truth, as it becomes known."""
        with self._lock:
            fresh = self._sent[self._labelled :]
            self._labelled = len(self._sent)
        identities = [request.id for request in fresh for _ in range(request.rows)]
        ids = np.empty(len(identities), dtype=object)
        ids[:] = identities
        rows = [np.arange(request.first_row, request.first_row + request.rows) for request in fresh]
        offsets = [np.arange(request.rows, dtype=np.float64) for request in fresh]
        nothing = np.array([], dtype=np.int64)
        return Table(
            {
                "id": ids,
                "row": np.concatenate([*offsets, nothing.astype(np.float64)]),
                "label": self._market.labels[np.concatenate([*rows, nothing])],
            }
        )

    def _run(self) -> None:
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="caller") as callers:
            due = time.monotonic()
            while not self._stopping.is_set():
                with self._lock:
                    first, rows, pause = self._next_row, self._rows_per_request, self._pause_seconds
                    rows = min(rows, self._market.features.rows - first)
                    self._next_row += rows
                if rows <= 0:
                    return
                self._slots.acquire()
                callers.submit(self._ask, first, rows)
                due = max(due + pause, time.monotonic() - pause)
                self._stopping.wait(max(0.0, due - time.monotonic()))

    def _ask(self, first: int, rows: int) -> None:
        try:
            features = self._market.features.slice(first, first + rows)
            body = request_body(self._signature, features, request_id=f"half-hour-{first}")
            status = self._send(body)
            with self._lock:
                self._sent.append(Sent(first, rows, time.time(), status))
        finally:
            self._slots.release()
