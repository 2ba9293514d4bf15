"""What a failing handler answers, and what it costs."""

import json
import time
from typing import Any

import pytest

from tests.contract.local_cloud.bench import Bench

pytestmark = pytest.mark.e2e

FAILING = """
    import os, time

    class ModelError(Exception):
        pass

    calls = 0

    def handler(event, context):
        global calls
        calls += 1
        if event == "raise":
            raise ModelError("no such row")
        if event == "exit":
            os._exit(3)
        if event == "sleep":
            time.sleep(60)
        return {"calls": calls, "pid": os.getpid()}
"""


def failed(bench: Bench, name: str, event: object) -> dict[str, Any]:
    """The error payload of an invocation that has to fail."""
    answer = bench.functions.invoke(FunctionName=name, Payload=json.dumps(event))
    assert answer["FunctionError"] == "Unhandled"
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    return payload


def test_exception_comes_back_and_the_environment_stays(bench: Bench) -> None:
    """The payload is the exception, as AWS gives it; the same process serves on."""
    name = bench.make_function(FAILING)
    before = bench.invoke(name)
    error = failed(bench, name, "raise")
    assert error["errorType"] == "ModelError"
    assert error["errorMessage"] == "no such row"
    assert 'raise ModelError("no such row")' in error["stackTrace"][-1]
    assert len(error["stackTrace"]) == 1
    after = bench.invoke(name)
    assert (after["pid"], after["calls"]) == (before["pid"], 3)
    assert any("[ERROR] ModelError: no such row\nTraceback" in line for _, line in bench.log_lines(name))


def test_exit_ends_the_environment(bench: Bench) -> None:
    """A process that exits is told from an exception; the next request gets a new one."""
    name = bench.make_function(FAILING)
    before = bench.invoke(name)
    error = failed(bench, name, "exit")
    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in error["errorMessage"]
    after = bench.invoke(name)
    assert after["pid"] != before["pid"]
    assert after["calls"] == 1


def test_time_out_is_told_apart(bench: Bench) -> None:
    """A handler that takes too long is stopped at its function's timeout."""
    name = bench.make_function(FAILING, timeout=1)
    started = time.monotonic()
    error = failed(bench, name, "sleep")
    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    assert time.monotonic() - started < 5


def test_module_that_cannot_be_imported(bench: Bench) -> None:
    """An import error is named as AWS names it."""
    name = bench.make_function("import no_such_module\n")
    error = failed(bench, name, None)
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert error["errorMessage"] == "Unable to import module 'index': No module named 'no_such_module'"


def test_step_functions_sees_the_error_type(bench: Bench) -> None:
    """A catch by the exception's own name works in a state machine."""
    name = bench.make_function(FAILING)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": name, "Payload": "raise"},
        "Catch": [{"ErrorEquals": ["ModelError"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}],
        "End": True,
    }
    states = {"Call": task, "Caught": {"Type": "Pass", "End": True}}
    output = bench.run_machine({"StartAt": "Call", "States": states}, {})
    assert output["Error"] == "ModelError"
    assert json.loads(output["Cause"])["errorMessage"] == "no such row"


def test_silent_handler_is_not_waited_for(bench: Bench) -> None:
    """A handler that writes nothing answers in a few milliseconds (stock: at least 50)."""
    name = bench.make_function("def handler(event, context):\n    return event\n")
    bench.invoke(name)
    taken = []
    for _ in range(50):
        started = time.perf_counter()
        bench.invoke(name)
        taken.append(time.perf_counter() - started)
    assert sorted(taken)[5] < 0.04
