"""A prediction is asked for: POST /v2/models/{endpoint}/infer, Open Inference Protocol v2."""

from __future__ import annotations

import sys
import time
from typing import Any

from serinus import settings
from serinus.adapters.open_inference.event import Event, is_probe, response
from serinus.adapters.open_inference.exchange import exchange
from serinus.adapters.open_inference.record import Record, line
from serinus.adapters.open_inference.released import load_released

_TOLD = settings.read(settings.InferSettings)
_RELEASE = settings.lambda_version()
_RELEASED = load_released()


def handler(event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no type of its own
    """Answer with predictions, or with `{"error": ...}`; leave one record in the log, unless a rollout probes."""
    at, started = time.time(), time.perf_counter()
    done = exchange(_RELEASED, event, endpoint=_TOLD.endpoint, request=context.aws_request_id)
    if not is_probe(event):
        latency_ms = (time.perf_counter() - started) * 1_000
        record = Record.of(
            done,
            _RELEASED,
            request=context.aws_request_id,
            at=at,
            latency_ms=round(latency_ms, 3),
            release=_RELEASE,
            log_inputs=_TOLD.log_inputs == "all",
        )
        sys.stdout.write(line(_TOLD.endpoint, record) + "\n")
        sys.stdout.flush()
    return response(done.status, done.body)
