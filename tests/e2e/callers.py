"""Callers of an endpoint, and the data they ask about."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from serinus import wiring
from serinus.cli.inference_client import InferenceClient, infer_url
from serinus.domain.inference_request import request_body
from serinus.domain.ledger import Action, LedgerEntry
from serinus.domain.table import Table
from serinus.use_cases.measure_performance import measure_performance

PROTOCOLS = "protocols"
"""The endpoint that anyone may call."""

_CALLERS = 4


def a_population(rows: int, *, seed: int = 0, within: float = np.inf) -> tuple[Table, npt.NDArray[np.float64]]:
    """Return features `a` and `b`, and labels that follow `a`; `within` bounds the features."""
    source = np.random.default_rng(seed)
    a, b = source.normal(size=(2, rows)).clip(-within, within)
    labels = (source.random(rows) < 1 / (1 + np.exp(-3 * a))).astype(np.float64)
    return Table({"a": a, "b": b}), labels


def a_holdout(*, within: float = np.inf) -> dict[str, list[float]]:
    """Return held-out rows as the client takes them."""
    features, labels = a_population(400, seed=1, within=within)
    return {name: column.tolist() for name, column in features.columns.items()} | {"target": labels.tolist()}


def an_estimator(*, regularisation: float = 1.0) -> LogisticRegression:
    """Return a fitted model; another regularisation is another model."""
    features, labels = a_population(1_000)
    return LogisticRegression(C=regularisation).fit(np.column_stack(list(features.columns.values())), labels)


class Callers:
    """Ask an endpoint, several at a time, until told to stop or until enough was asked."""

    def __init__(self, client: wiring.Client, endpoint: str) -> None:
        self.endpoint = endpoint
        self._signature = client.versions.get(endpoint, 1).manifest.signature
        self._inference = InferenceClient(infer_url(client.resources.api_url, endpoint))
        self._rows, _ = a_population(5_000, seed=2)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._next = 0
        self.answered: list[tuple[float, int]] = []

    @property
    def statuses(self) -> list[int]:
        """The status of every answer so far."""
        return [status for _, status in self.answered]

    def ask(self, requests: int) -> None:
        """Ask that many requests of one row each, and wait for the answers."""
        with ThreadPoolExecutor(_CALLERS) as callers:
            for done in [callers.submit(self._ask_one) for _ in range(requests)]:
                done.result()

    def ask_until(self, done: threading.Event, *, seconds: float) -> None:
        """Ask until `done` is set.

        Raises:
            TimeoutError: it was not set in that many seconds.
        """
        deadline = time.monotonic() + seconds
        while not done.is_set():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {seconds} seconds and {len(self.statuses)} requests")
            self.ask(8)

    def _ask_one(self) -> None:
        with self._lock:
            row, self._next = self._next, self._next + 1
        at = row % self._rows.rows
        body = request_body(self._signature, self._rows.slice(at, at + 1), request_id=f"row-{row}")
        status, _ = self._inference.infer(body)
        with self._lock:
            self.answered.append((time.time(), status))


def counted_since(began: datetime, client: wiring.Client, endpoint: str, *, at_least: int) -> tuple[int, int]:
    """Wait until the log has been collected; return how many requests it counts, and how many of them failed."""
    deadline = time.monotonic() + 30
    while True:
        end = datetime.now(UTC) + timedelta(minutes=1)
        found = measure_performance(endpoint, start=began, end=end, measuring=client.measuring).releases
        counted = sum(performance.requests for performance in found)
        if counted >= at_least or time.monotonic() > deadline:
            return counted, sum(performance.failures for performance in found)
        time.sleep(0.5)


def recorded(client: wiring.Client, endpoint: str, action: Action, **details: object) -> list[LedgerEntry]:
    """Wait for a deed to be in the ledger, which is written after what it tells of; return its entries."""
    deadline = time.monotonic() + 40
    while True:
        entries = [entry for entry in client.ledger.entries(endpoint) if entry.action is action]
        found = [entry for entry in entries if details.items() <= entry.details.items()]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.3)
