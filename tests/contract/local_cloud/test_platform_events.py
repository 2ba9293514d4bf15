"""What Lambda writes to a function's log."""

import json
import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_cloud.bench import Bench, eventually

pytestmark = pytest.mark.e2e

TALKING = """
    import json, os, time

    def handler(event, context):
        if event == "sleep":
            time.sleep(60)
        if event == "exit":
            os._exit(1)
        if event == "raise":
            raise ValueError("no")
        print(json.dumps({"said": event, "stream": context.log_stream_name, "group": context.log_group_name}))
        time.sleep(0.2)
        os.write(1, b"straight to descriptor 1\\n")
        return event
"""


def platform(bench: Bench, name: str) -> list[dict[str, Any]]:
    """The platform's events in a function's log."""
    events = []
    for _, line in bench.log_lines(name):
        event = json.loads(line) if line.startswith("{") else {}
        if str(event.get("type", "")).startswith("platform."):
            events.append(event)
    return events


def test_json_system_logs(bench: Bench) -> None:
    """A start and a report around the handler's lines, with one request id, in the environment's one stream."""
    name = bench.make_function(TALKING, json_logs=True)
    bench.invoke(name, 1)
    bench.invoke(name, 2)
    lines = bench.log_lines(name)
    assert [line.startswith('{"time"') for _, line in lines] == [True, False, False, True] * 2
    streams = {stream for stream, _ in lines}
    assert len(streams) == 1
    stream = streams.pop()
    assert re.fullmatch(r"\d{4}/\d{2}/\d{2}/\[\$LATEST\][0-9a-f]{32}", stream)
    said = json.loads(lines[1][1])
    assert (said["said"], said["stream"], said["group"]) == (1, stream, f"/aws/lambda/{name}")
    start, report = platform(bench, name)[:2]
    assert (start["type"], report["type"]) == ("platform.start", "platform.report")
    assert start["record"]["version"] == "$LATEST"
    assert start["record"]["requestId"] == report["record"]["requestId"]
    assert report["record"]["status"] == "success"
    metrics = report["record"]["metrics"]
    assert 200 <= metrics["durationMs"] < 2_000
    assert metrics["initDurationMs"] > 0
    assert metrics["maxMemoryUsedMB"] > 0
    assert "initDurationMs" not in platform(bench, name)[3]["record"]["metrics"]


@pytest.mark.parametrize(
    ("event", "status", "error_type"),
    [
        ("sleep", "timeout", "Sandbox.Timedout"),
        ("exit", "error", "Runtime.ExitError"),
        ("raise", "error", "ValueError"),
    ],
)
def test_report_of_a_failed_request(bench: Bench, event: str, status: str, error_type: str) -> None:
    """A request that died or timed out has a report that says so."""
    name = bench.make_function(TALKING, json_logs=True, timeout=1)
    bench.invoke(name, event)
    report = platform(bench, name)[-1]
    assert report["type"] == "platform.report"
    assert (report["record"]["status"], report["record"]["errorType"]) == (status, error_type)


def test_lines_carry_the_time_at_which_they_were_written(bench: Bench) -> None:
    """A line written late in a request is stamped later, and is in the log as soon as the request is over."""
    name = bench.make_function(TALKING)
    bench.invoke(name, 1)
    before = time.time() * 1000
    bench.invoke(name, 2)
    after = time.time() * 1000
    stream = bench.log_lines(name)[-1][0]
    events = bench.logs.get_log_events(logGroupName=f"/aws/lambda/{name}", logStreamName=stream, startFromHead=True)[
        "events"
    ]
    start, said, straight, end, report = events[-5:]
    assert start["message"].startswith("START RequestId")
    assert straight["message"] == "straight to descriptor 1"
    assert end["message"].startswith("END RequestId")
    assert report["message"].startswith("REPORT RequestId")
    assert straight["timestamp"] - said["timestamp"] >= 190
    assert before - 1 <= said["timestamp"] <= straight["timestamp"] <= after + 1


def test_every_environment_has_its_stream(bench: Bench) -> None:
    """Versions write to streams of their own, named after them."""
    name = bench.two_versions("def handler(event, context):\n    print('here')\n")
    bench.invoke(name, Qualifier="1")
    bench.invoke(name, Qualifier="2")
    streams = {stream for stream, line in bench.log_lines(name) if line == "here"}
    assert {re.sub(r".*\[(.+)\].*", r"\1", stream) for stream in streams} == {"1", "2"}


def test_chosen_log_group(bench: Bench) -> None:
    """A function may write to a group of another name."""
    name = bench.make_function(TALKING)
    group = f"/elsewhere/{name}"
    bench.functions.update_function_configuration(
        FunctionName=name, LoggingConfig={"LogFormat": "JSON", "LogGroup": group}
    )
    bench.settle(name)
    bench.invoke(name, 1)
    found = eventually(lambda: bench.logs.filter_log_events(logGroupName=group)["events"])
    assert len(found) == 4
    with pytest.raises(ClientError, match="ResourceNotFound"):
        bench.log_lines(name)
