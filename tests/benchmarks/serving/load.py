"""Asks a server as fast as it answers, from a process of its own: `python -m tests.benchmarks.serving.load PORT`.

What to ask comes as JSON on standard input, what was found goes as JSON to standard output. The same for every
server: kept-open connections, each with one request under way, and one loop over raw sockets, which costs less of
the shared machine than any client library.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.figures import quantile
from tests.benchmarks.serving.http import first_message, request

_READ_BYTES = 1 << 18
_SILENCE_SECONDS = 15.0
OK = 200


class ServerFailed(RuntimeError):
    """The server closed a connection, fell silent, or answered something else than 200."""


@dataclass
class _Connection:
    socket: socket.socket
    next: int
    sent: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)


def ask(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> dict[str, float]:
    """Return requests, seconds, and the median and 99th percentile in ms, of so many clients that never pause.

    Raises:
        ServerFailed: the first time anything is not answered by 200.
    """
    waits: list[float] = []
    selector = selectors.DefaultSelector()
    connections = [_connected(port, index * len(requests) // clients) for index in range(clients)]
    try:
        begun = time.perf_counter()
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            _send(connection, requests)
        until = begun + seconds
        while (now := time.perf_counter()) < until:
            ready = selector.select(_SILENCE_SECONDS)
            if not ready:
                raise ServerFailed(f"no answer within {_SILENCE_SECONDS:.0f} s")
            for key, _ in ready:
                _receive(key.data, requests, waits)
        taken = now - begun
    finally:
        selector.close()
        for connection in connections:
            connection.socket.close()
    if not waits:
        raise ServerFailed(f"no answer within {seconds} s")
    waits.sort()
    return {
        "requests": float(len(waits)),
        "seconds": taken,
        "p50_ms": quantile(waits, 0.5) * 1e3,
        "p99_ms": quantile(waits, 0.99) * 1e3,
    }


def _connected(port: int, first: int) -> _Connection:
    made = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Connection(made, first)


def _send(connection: _Connection, requests: Sequence[bytes]) -> None:
    said = requests[connection.next % len(requests)]
    connection.next += 1
    connection.sent = time.perf_counter()
    connection.socket.sendall(said)


def _receive(connection: _Connection, requests: Sequence[bytes], waits: list[float]) -> None:
    received = connection.socket.recv(_READ_BYTES)
    if not received:
        raise ServerFailed("the server closed a connection")
    connection.buffer += received
    message = first_message(connection.buffer)
    if message is None:
        return
    waits.append(time.perf_counter() - connection.sent)
    if message.status != OK:
        raise ServerFailed(f"answered {message.status}: {message.body[:500]!r}")
    del connection.buffer[: message.length]
    _send(connection, requests)


def main() -> None:
    """Ask as standard input says: `path`, `bodies`, `clients`, `seconds`."""
    said: dict[str, Any] = json.load(sys.stdin)
    requests = [request(said["path"], body.encode(), "application/json") for body in said["bodies"]]
    found = ask(int(sys.argv[1]), requests, clients=said["clients"], seconds=said["seconds"])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
