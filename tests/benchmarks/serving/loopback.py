"""The inference function behind the barest HTTP server: `python -m tests.benchmarks.serving.loopback PORT`.

It builds API Gateway's event of each request and writes the function's answer back. The prediction log goes to
standard output, as on Lambda. Stops when it is terminated.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import dataclass
from typing import Any

from functions.infer.handler import handler
from tests.benchmarks.serving.gateway import event
from tests.benchmarks.serving.http import Message, NotHttp, answer, first_message

_REQUESTS = itertools.count()


@dataclass(frozen=True, slots=True)
class _Context:
    aws_request_id: str


class _Server(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("not a stream")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while (message := first_message(self._buffer)) is not None:
                del self._buffer[: message.length]
                said = handler(_event(message), _Context(f"request-{next(_REQUESTS)}"))
                self._transport.write(answer(said["statusCode"], said["headers"], said["body"].encode()))
        except NotHttp:
            self._transport.close()


def _event(message: Message) -> dict[str, Any]:
    _, path, _ = message.first.split(" ", 2)
    return event(path, message.headers, message.body.decode())


async def serve(port: int) -> None:
    """Serve on loopback until the process ends."""
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
