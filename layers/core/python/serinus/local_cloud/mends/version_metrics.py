"""Lambda's metrics, on every path, by alias and by the version that an alias chose.

AWS: ``AWS/Lambda`` ``Invocations``, ``Errors`` and ``Duration`` appear for every invocation, whoever made it, with
the dimensions ``FunctionName``; ``FunctionName, Resource`` (``name:alias`` or ``name:version``); and, through an
alias, ``FunctionName, Resource, ExecutedVersion``. ``Duration`` leaves initialisation out. A throttled request counts
as a throttle only.

Stock: only the Invoke API publishes them, with ``FunctionName`` alone.

Mended: published where every path comes together.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import lambda_svc

from serinus.local_cloud.mends.environments import current_invocation
from serinus.local_cloud.mends.metric_points import record
from serinus.local_cloud.mends.replacing import replace

NAMESPACE = "AWS/Lambda"


def dimension_sets(config: dict[str, Any]) -> list[dict[str, str]]:
    """The dimension sets under which an invocation is counted.

    The configuration's ``FunctionArn`` is the one that was invoked, its ``Version`` the one that runs.
    """
    name = config["FunctionName"]
    qualifier = config.get("FunctionArn", "").partition(":function:")[2].partition(":")[2]
    version = config.get("Version", "$LATEST")
    resource = f"{name}:{qualifier}" if qualifier else name
    sets = [{"FunctionName": name}, {"FunctionName": name, "Resource": resource}]
    if qualifier and qualifier != version:
        sets.append({"FunctionName": name, "Resource": resource, "ExecutedVersion": version})
    return sets


def _dispatch(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def dispatch(
        func: dict[str, Any], config: dict[str, Any], event: object, request_id: str, started: float
    ) -> dict[str, Any]:
        began = time.monotonic()
        result: dict[str, Any] = original(func, config, event, request_id, started)
        taken_ms = (time.monotonic() - began) * 1000
        failed = float(bool(result.get("error")))
        for dimensions in dimension_sets(config):
            record(NAMESPACE, "Invocations", 1.0, dimensions, unit="Count")
            record(NAMESPACE, "Errors", failed, dimensions, unit="Count")
            record(
                NAMESPACE,
                "Duration",
                max(0.0, taken_ms - result.get("serinus_init_ms", 0.0)),
                dimensions,
                unit="Milliseconds",
            )
        return result

    return dispatch


def _execute(original: Any) -> Any:  # noqa: ANN401
    def execute(func: dict[str, Any], event: object, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = original(func, event, request_id)
        invocation = current_invocation()
        if invocation is not None and invocation.init_duration_ms is not None:
            result["serinus_init_ms"] = invocation.init_duration_ms
        return result

    return execute


def _only_throttles(_original: Any) -> Any:  # noqa: ANN401
    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: ARG001
        """Keep the stock count of throttles, published with no duration by the gate that refused the request."""
        if throttle and duration_ms == 0.0:
            record(NAMESPACE, "Throttles", 1.0, {"FunctionName": function_name}, unit="Count")

    return emit


def apply() -> None:
    """Apply the mend."""
    replace(lambda_svc, "_execute_function_warm", _execute)
    replace(lambda_svc, "_execute_function_dispatch", _dispatch)
    replace(lambda_svc, "_emit_lambda_metrics", _only_throttles)
