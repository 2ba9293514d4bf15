"""A prediction is asked for, by the Open Inference Protocol v2 or by MLflow's scoring protocol."""

# ruff: noqa: E402 - garbage is not collected until the handler is ready: what imports make stays, and to look through
# it again and again takes 4 % of a start

from __future__ import annotations

import gc

gc.disable()

import sys
import time
from typing import Any

from serinus import settings
from serinus.adapters.open_inference.event import Event, is_probe
from serinus.adapters.open_inference.exchange import exchange
from serinus.adapters.open_inference.log_line import line
from serinus.adapters.open_inference.log_rules import LogRules, released_layout
from serinus.adapters.open_inference.record import Record
from serinus.adapters.open_inference.released import load_released

_TOLD = settings.read(settings.InferSettings)
_RULES = LogRules.told(_TOLD)
_RELEASE = settings.lambda_version()
_RELEASED = load_released(threads=settings.lambda_processors())
if _RULES.bins_often:
    released_layout()
gc.enable()


def handler(event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no type of its own
    """Answer with predictions, or with `{"error": ...}`; leave one record in the log of what counts as traffic."""
    at, started = time.time(), time.perf_counter()
    request = context.aws_request_id
    done = exchange(_RELEASED, event, endpoint=_TOLD.endpoint, request=request, id_column=_RULES.id_column)
    latency_ms = round((time.perf_counter() - started) * 1_000, 3)
    if done.recorded:
        record = Record.of(
            done, _RELEASED, request=request, at=at, latency_ms=latency_ms, release=_RELEASE, rules=_RULES
        )
        sys.stdout.write(line(_TOLD.endpoint, record, released_layout) + "\n")
        sys.stdout.flush()
    return (done.reply.timed(latency_ms) if is_probe(event) else done.reply).as_event()
