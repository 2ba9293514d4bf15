"""A handler that raises: its own error comes back, and its environment lives on.

AWS: the payload of a failed invocation is ``{"errorMessage", "errorType", "requestId", "stackTrace"}`` of the
exception, also written to the log; the environment serves the next request. A time-out is ``Sandbox.Timedout``, an
exit of the process ``Runtime.ExitError``, a module that cannot be imported ``Runtime.ImportModuleError``; only these
cost the environment.

Stock: ``errorType`` is ``Runtime.HandlerError`` (or ``RuntimeError``) for everything, there is no stack trace, every
exception kills the worker, and one that cannot start kills all workers of its version.

Mended: the worker reports the exception as AWS's runtime does and carries on; what ended the environment is told
apart.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import psutil
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from serinus.local_cloud.mends.environments import (
    STOCK_ERROR,
    Invocation,
    begin_invocation,
    logs_json,
    new_stream_name,
)
from serinus.local_cloud.mends.replacing import replace, substitute

_INIT_FAILED = "Worker init failed: "
_BYTES_PER_MB = 1 << 20

_INIT_REPORT = """
        traceback.print_exc()
        _import_error = isinstance(e, ImportError)
        _real_stdout.write(json.dumps({"status": "error", "error": json.dumps({
            "errorMessage": "Unable to import module '%s': %s" % (module_name, e) if _import_error else str(e),
            "errorType": "Runtime.ImportModuleError" if _import_error else type(e).__name__,
            "requestId": "", "stackTrace": [] if _import_error else traceback.format_tb(e.__traceback__)[1:],
        })}) + "\\n")
"""

_FAILURE = (
    '            _answer = json.dumps({"status": "ok", "result": None, "failure": {"errorMessage": str(e), '
    '"errorType": type(e).__name__, "requestId": context.aws_request_id, '
    '"stackTrace": traceback.format_tb(e.__traceback__)[1:]}}) + "\\n"\n'
)


def _worker_script(original: str) -> str:
    script = substitute(
        original,
        '\n        _real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")\n',
        _INIT_REPORT,
    )
    return substitute(
        script,
        f'            _answer = {STOCK_ERROR} + "\\n"\n',
        _FAILURE,
    )


def _execute(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def execute(func: dict[str, Any], event: object, request_id: str) -> dict[str, Any]:
        """Run one invocation on an environment of its function's version."""
        config = func.get("config") or func
        if not func.get("code_zip"):
            begin_invocation(None)
            answer: dict[str, Any] = original(func, event, request_id)
            return answer
        lambda_svc._ensure_reaper_thread()
        started_ms = time.time_ns() // 1_000_000
        worker, _ = lambda_svc.acquire_worker(
            config["FunctionName"], config, func["code_zip"], qualifier=config.get("Version", "$LATEST")
        )
        try:
            answer, failure = _invoke(worker, config, event, request_id)
        finally:
            lambda_svc.release_worker(worker)
        invocation = _report_of(worker, started_ms, cold=answer.get("cold_start", False))
        begin_invocation(invocation)
        if failure is None:
            return {"body": answer.get("result"), "log": answer.get("log", "")}
        _note_failure(invocation, failure, config, request_id)
        return {"body": failure, "error": True, "log": answer.get("log", "")}

    return execute


def _invoke(
    worker: Any,  # noqa: ANN401 - a ministack worker
    config: dict[str, Any],
    event: object,
    request_id: str,
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The worker's answer, and the error payload where the invocation failed."""
    try:
        answer: dict[str, Any] = worker.invoke(
            event,
            request_id,
            trace_id=lambda_svc._xray_trace_id_for_invocation(config),
            invoked_function_arn=config.get("FunctionArn", ""),
            depth=lambda_svc._invoke_depth.get(),
            durable=lambda_svc._durable_env_overlay(),
        )
    except Exception as error:  # noqa: BLE001 - whatever kept the environment from starting is its answer
        answer = {"log": worker._drain_stderr(), "cold_start": True}
        lambda_runtime.kill_workers([worker])
        return answer, _init_failure(str(error), request_id)
    if answer.get("status") == "ok":
        return answer, answer.get("failure")
    return answer, _lost_environment(worker, answer.get("error", ""), config, request_id)


def _init_failure(message: str, request_id: str) -> dict[str, Any]:
    if message.startswith(_INIT_FAILED):
        try:
            reported: dict[str, Any] = json.loads(message.removeprefix(_INIT_FAILED))
        except ValueError:
            pass
        else:
            return reported | {"requestId": request_id}
    return {"errorMessage": f"RequestId: {request_id} Error: {message}", "errorType": "Runtime.ExitError"}


def _lost_environment(
    worker: Any,  # noqa: ANN401 - a ministack worker
    message: str,
    config: dict[str, Any],
    request_id: str,
) -> dict[str, Any]:
    if message.startswith("Task timed out"):
        text = f"Task timed out after {float(config.get('Timeout', 3)):.2f} seconds"
        return {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: {text}"}
    code = getattr(worker.serinus_process, "returncode", None) or 0
    how = f"signal: {-code}" if code < 0 else f"exit status {code}"
    return {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: {how}",
    }


def _report_of(worker: Any, started_ms: int, *, cold: bool) -> Invocation:  # noqa: ANN401
    stream = getattr(worker, "serinus_stream", None) or new_stream_name(worker.config.get("Version", "$LATEST"))
    invocation = Invocation(stream, started_ms, lines=list(getattr(worker, "serinus_lines", [])))
    if cold:
        invocation.init_duration_ms = getattr(worker, "serinus_init_ms", None)
    process = getattr(worker, "_proc", None)
    if process is not None:
        try:
            memory_bytes = psutil.Process(process.pid).memory_info().rss
        except psutil.Error:
            memory_bytes = 0
        invocation.max_memory_mb = memory_bytes // _BYTES_PER_MB
    return invocation


def _note_failure(invocation: Invocation, failure: dict[str, Any], config: dict[str, Any], request_id: str) -> None:
    """Set what the platform's report says, and add the line that AWS writes about the failure."""
    invocation.error_type = failure["errorType"]
    timed_out = failure["errorType"] == "Sandbox.Timedout"
    invocation.status = "timeout" if timed_out else "error"
    now = datetime.now(UTC)
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if logs_json(config):
        line = json.dumps({"timestamp": at, "level": "ERROR", "requestId": request_id} | failure)
    elif timed_out:
        line = f"{at} {request_id} {failure['errorMessage'].partition('Error: ')[2]}"
    else:
        trace = "".join(failure.get("stackTrace", []))
        line = f"[ERROR] {failure['errorType']}: {failure['errorMessage']}"
        line += f"\nTraceback (most recent call last):\n{trace}" if trace else ""
    invocation.lines.append((int(now.timestamp() * 1000), line))


def apply() -> None:
    """Apply the mend."""
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _worker_script)
    replace(lambda_svc, "_execute_function_warm", _execute)
