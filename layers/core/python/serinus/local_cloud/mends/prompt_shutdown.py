"""Told to stop, the cloud stops: requests that wait for a handler do not hold it up.

AWS: there is nothing to compare.

Stock: the server waits for every request in flight, and these wait for handlers that may run for minutes.

Mended: the workers are ended first, which ends the requests; then state is saved as ever. Should anything else hang,
the process ends all the same after a while.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import Any

import hypercorn.asyncio
from ministack.core import lambda_runtime

from serinus.local_cloud.mends.replacing import replace

GRACEFUL_SECONDS = 1.0
LAST_RESORT_SECONDS = 15.0


def _end_regardless() -> None:
    lambda_runtime.reset()
    os._exit(1)


def _serve(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    async def serve(app: Any, config: Any) -> None:  # noqa: ANN401
        told = asyncio.Event()
        for stop in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stop, told.set)

        async def until_told() -> None:
            await told.wait()
            last_resort = threading.Timer(LAST_RESORT_SECONDS, _end_regardless)
            last_resort.daemon = True
            last_resort.start()
            await asyncio.to_thread(lambda_runtime.reset)

        config.graceful_timeout = GRACEFUL_SECONDS
        await original(app, config, shutdown_trigger=until_told)

    return serve


def apply() -> None:
    """Apply the mend."""
    replace(hypercorn.asyncio, "serve", _serve)
