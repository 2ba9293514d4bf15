"""EventBridge calls a function asynchronously: retried, then dead-lettered.

AWS: a rule invokes its Lambda target asynchronously, so that a failing function is tried twice more and the event
then goes to the function's dead-letter queue or failure destination.

Stock: one attempt, and the event is gone.

Mended: through ministack's own asynchronous invocation, which does this (with pauses of one and two seconds).
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.services import eventbridge, lambda_svc

from serinus.local_cloud.mends.replacing import replace

_logger = logging.getLogger("serinus.asynchronous_targets")


def _dispatch(_original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def dispatch(arn: str, payload: str) -> None:
        func, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not func or not config:
            _logger.warning("a rule's target %s does not exist", name)
            return
        whole = lambda_svc._functions.get(name) or func
        qualifier = arn.partition(":function:")[2].partition(":")[2] or "$LATEST"
        record = lambda_svc._execution_record_for_config(func, config)
        record["event_invoke_config"] = (whole.get("event_invoke_configs") or {}).get(qualifier)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    return dispatch


def apply() -> None:
    """Apply the mend."""
    replace(eventbridge, "_dispatch_to_lambda", _dispatch)
