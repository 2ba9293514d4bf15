"""Execution environments: one process with one log stream, whose output belongs to the request that wrote it.

AWS: every execution environment of a function writes to one log stream, ``YYYY/MM/DD/[version]hex``; what a handler
writes to standard output or standard error, at whatever level, is logged with the time at which it was written; an
environment that is not used for a while is taken away.

Stock: a stream for every invocation, another name in the handler's environment, every line stamped with the end of
the request; output is collected by waiting until the pipe is quiet (50 ms where a handler writes nothing), so lines
can end up in the next request; a line written to file descriptor 1 is taken for the worker's protocol; one worker of
every version ever invoked is kept for good, and a busy one outlives a killed cloud.

Mended: the worker marks the end of each request in its output, so that collecting is exact and needs no waiting;
lines carry the time of their arrival; descriptor 1 is output like any other; the worker ends with the cloud.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from serinus.local_cloud.mends.replacing import replace, substitute

END_OF_REQUEST = "\x1eserinus-end-of-request"

_DRAIN_SECONDS = 2.0
_STREAM_TOKEN = "@serinus-log-stream@"  # noqa: S105 - a placeholder in source text
_GROUP_TOKEN = "@serinus-log-group@"  # noqa: S105
_FORMAT_TOKEN = "@serinus-log-format@"  # noqa: S105

STOCK_ERROR = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'

_PREAMBLE = f"""
import os, threading, time
os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = "{_STREAM_TOKEN}"
os.environ["AWS_LAMBDA_LOG_GROUP_NAME"] = "{_GROUP_TOKEN}"
os.environ["AWS_LAMBDA_LOG_FORMAT"] = "{_FORMAT_TOKEN}"
os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand"

def _end_with_cloud(cloud=os.getppid()):
    while os.getppid() == cloud:
        time.sleep(0.5)
    os._exit(1)

threading.Thread(target=_end_with_cloud, daemon=True).start()
"""

_spawning = threading.local()


@dataclass
class Invocation:
    """What is known of the invocation that runs on the current thread, for the mends that report it."""

    stream: str
    started_ms: int
    lines: list[tuple[int, str]] = field(default_factory=list)
    status: str = "success"
    error_type: str | None = None
    init_duration_ms: float | None = None
    max_memory_mb: int = 0


_current = threading.local()


def begin_invocation(invocation: Invocation | None) -> None:
    """Note the invocation that this thread runs; None forgets it."""
    _current.invocation = invocation


def current_invocation() -> Invocation | None:
    """The invocation that this thread runs, if it has one."""
    invocation: Invocation | None = getattr(_current, "invocation", None)
    return invocation


def log_group_of(config: dict[str, Any]) -> str:
    """The log group that a function writes to."""
    chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
    return str(chosen or f"/aws/lambda/{config.get('FunctionName', 'unknown')}")


def logs_json(config: dict[str, Any]) -> bool:
    """Whether a function asks for JSON system logs."""
    return (config.get("LoggingConfig") or {}).get("LogFormat") == "JSON"


def new_stream_name(version: str) -> str:
    """A log stream name as Lambda forms it."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _spawn(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def spawn(self: Any) -> None:  # noqa: ANN401
        self.serinus_stream = new_stream_name(self.config.get("Version", "$LATEST"))
        _spawning.worker = self
        started = time.monotonic()
        try:
            original(self)
        finally:
            _spawning.worker = None
            self.serinus_init_ms = (time.monotonic() - started) * 1000
            self.serinus_process = self._proc

    return spawn


def _runtime_binary(original: Any) -> Any:  # noqa: ANN401
    def detect(runtime: str) -> tuple[str, str]:
        binary, script = original(runtime)
        worker = getattr(_spawning, "worker", None)
        if worker is not None:
            script = (
                script.replace(_STREAM_TOKEN, worker.serinus_stream)
                .replace(_GROUP_TOKEN, log_group_of(worker.config))
                .replace(_FORMAT_TOKEN, "JSON" if logs_json(worker.config) else "Text")
            )
        return binary, script

    return detect


def _read_output(_original: Any) -> Any:  # noqa: ANN401
    def read(self: Any) -> None:  # noqa: ANN401
        lines, pipe = self._stderr_queue, self._proc.stderr
        try:
            for line in pipe:
                lines.put((_now_ms(), line.rstrip("\n")))
        except (OSError, ValueError):
            pass  # the pipe was closed with the process
        finally:
            lines.put((_now_ms(), END_OF_REQUEST))

    return read


def _drain(_original: Any) -> Any:  # noqa: ANN401
    def drain(self: Any, *_args: float, **_kwargs: float) -> str:  # noqa: ANN401
        """Everything that was written up to the end of this request, or of the process."""
        lines: list[tuple[int, str]] = []
        deadline = time.monotonic() + _DRAIN_SECONDS
        while True:
            try:
                at, line = self._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line.endswith(END_OF_REQUEST):
                lines += [(at, rest)] if (rest := line.removesuffix(END_OF_REQUEST)) else []
                break
            lines.append((at, line))
        self.serinus_lines = lines
        return "\n".join(line for _, line in lines)

    return drain


def _reap(_original: Any) -> Any:  # noqa: ANN401
    def reap(ttl: float | None = None) -> int:
        """Take away every environment that was idle for too long, the last of a version too."""
        idle_since = time.time() - (lambda_runtime._LOCAL_WORKER_TTL if ttl is None else ttl)
        doomed = []
        with lambda_runtime._lock:
            for key, workers in list(lambda_runtime._workers.items()):
                idle = [w for w in workers if not w.in_use and w.last_used < idle_since]
                doomed += idle
                kept = [w for w in workers if w not in idle]
                if kept:
                    lambda_runtime._workers[key] = kept
                else:
                    del lambda_runtime._workers[key]
        lambda_runtime.kill_workers(doomed)
        return len(doomed)

    return reap


def _worker_script(original: str) -> str:
    script = substitute(
        original,
        "    _real_stdout = sys.stdout\n",
        "    _real_stdout = os.fdopen(os.dup(1), 'w')\n    os.dup2(2, 1)\n",
    )
    mark = f"sys.stderr.write({END_OF_REQUEST + chr(10)!r}); sys.stderr.flush()"
    script = substitute(
        script,
        '            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")\n',
        '            _answer = json.dumps({"status": "ok", "result": result}) + "\\n"\n',
    )
    script = substitute(
        script,
        f'            _real_stdout.write({STOCK_ERROR} + "\\n")\n        _real_stdout.flush()\n',
        f'            _answer = {STOCK_ERROR} + "\\n"\n'
        f"        {mark}\n        _real_stdout.write(_answer)\n        _real_stdout.flush()\n",
    )
    return _PREAMBLE + script


def apply() -> None:
    """Apply the mend."""
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _worker_script)
    replace(lambda_runtime, "_detect_runtime_binary", _runtime_binary)
    replace(lambda_runtime.Worker, "_spawn", _spawn)
    replace(lambda_runtime.Worker, "_read_stderr", _read_output)
    replace(lambda_runtime.Worker, "_drain_stderr", _drain)
    replace(lambda_runtime.Worker, "_drain_stderr_bounded", _drain)
    replace(lambda_runtime, "reap_idle_workers", _reap)
    replace(lambda_svc, "reap_idle_workers", _reap)
