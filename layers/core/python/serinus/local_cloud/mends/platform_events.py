"""What Lambda itself writes to a function's log about every invocation.

AWS: ``platform.start`` and ``platform.report`` as JSON where ``LoggingConfig.LogFormat`` is ``JSON`` (the report's
``status`` is ``success``, ``error`` or ``timeout``), START, END and REPORT lines otherwise, in the stream of the
environment that served the request. There is a report for a request whose environment died or timed out.

Stock: plain lines whatever the function asks for, all stamped with the time of writing, in a stream per invocation.

Mended: both forms, in the environment's stream, with the times at which lines were written and ids that a
subscription delivers unchanged.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc

from serinus.local_cloud.mends.environments import (
    Invocation,
    begin_invocation,
    current_invocation,
    log_group_of,
    logs_json,
)
from serinus.local_cloud.mends.replacing import replace

_numbers = itertools.count(time.time_ns())
_creating = threading.Lock()


def new_event_id(timestamp_ms: int) -> str:
    """A log event's id as CloudWatch Logs forms it: 56 digits, unique, in order of time."""
    return f"{timestamp_ms:020d}{next(_numbers):036d}"


def platform_lines(
    invocation: Invocation, config: dict[str, Any], request_id: str, ended_ms: int, duration_ms: float
) -> list[tuple[int, str]]:
    """The lines of an invocation as Lambda would write them, the handler's own among them, with their times."""
    write = _json_lines if logs_json(config) else _text_lines
    before, after = write(invocation, config, request_id, ended_ms, duration_ms)
    return [(invocation.started_ms, before), *invocation.lines, *((ended_ms, line) for line in after)]


def _json_lines(
    invocation: Invocation, config: dict[str, Any], request_id: str, ended_ms: int, duration_ms: float
) -> tuple[str, list[str]]:
    metrics: dict[str, float] = {
        "durationMs": round(duration_ms, 3),
        "billedDurationMs": int(duration_ms) + 1,
        "memorySizeMB": config.get("MemorySize", 128),
        "maxMemoryUsedMB": invocation.max_memory_mb,
    }
    if invocation.init_duration_ms is not None:
        metrics["initDurationMs"] = round(invocation.init_duration_ms, 3)
    report: dict[str, Any] = {"requestId": request_id, "metrics": metrics, "status": invocation.status}
    if invocation.error_type is not None:
        report["errorType"] = invocation.error_type
    start = {"requestId": request_id, "version": config.get("Version", "$LATEST")}
    return (
        _platform_event(invocation.started_ms, "platform.start", start),
        [_platform_event(ended_ms, "platform.report", report)],
    )


def _platform_event(at_ms: int, kind: str, record: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": at.replace("+00:00", "Z"), "type": kind, "record": record})


def _text_lines(
    invocation: Invocation, config: dict[str, Any], request_id: str, _ended_ms: int, duration_ms: float
) -> tuple[str, list[str]]:
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\t"
        f"Billed Duration: {int(duration_ms) + 1} ms\tMemory Size: {config.get('MemorySize', 128)} MB\t"
        f"Max Memory Used: {invocation.max_memory_mb} MB"
    )
    if invocation.init_duration_ms is not None:
        report += f"\tInit Duration: {invocation.init_duration_ms:.2f} ms"
    if invocation.status == "timeout":
        report += "\tStatus: timeout"
    elif invocation.error_type in {"Runtime.ExitError", "Runtime.ImportModuleError"}:
        report += f"\tStatus: error\tError Type: {invocation.error_type}"
    start = f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}"
    return start, [f"END RequestId: {request_id}", report]


def _emit(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def emit(
        func: dict[str, Any], request_id: str, log_text: str, error: bool, duration_ms: int, **options: object
    ) -> None:
        invocation = current_invocation()
        begin_invocation(None)
        if invocation is None:
            original(func, request_id, log_text, error, duration_ms, **options)
            return
        config = func.get("config") or func
        ended_ms = time.time_ns() // 1_000_000
        taken_ms = max(0.0, ended_ms - invocation.started_ms - (invocation.init_duration_ms or 0.0))
        lines = platform_lines(invocation, config, request_id, ended_ms, taken_ms)
        write_log(log_group_of(config), invocation.stream, lines)

    return emit


def write_log(group: str, stream: str, lines: list[tuple[int, str]]) -> None:
    """Append lines to a stream, making it and its group where they are missing, and pass them to subscriptions."""
    with _creating:
        if group not in cloudwatch_logs._log_groups:
            cloudwatch_logs._create_log_group({"logGroupName": group})
        if stream not in cloudwatch_logs._log_groups[group]["streams"]:
            cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now_ms = time.time_ns() // 1_000_000
    events = [
        {"timestamp": at, "message": line, "ingestionTime": now_ms, "eventId": new_event_id(at)} for at, line in lines
    ]
    cloudwatch_logs._append_log_events(cloudwatch_logs._log_groups[group]["streams"][stream], events)
    cloudwatch_logs._fanout_to_subscription_filters(group, stream, events)


def apply() -> None:
    """Apply the mend."""
    replace(lambda_svc, "_emit_lambda_logs", _emit)
