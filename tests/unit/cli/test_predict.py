"""`serinus predict`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from serinus.cli import predict as module
from serinus.cli.main import app
from tests.unit.cli.world import Deployment

_MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:serinus-batch"
_DONE = {"status": "succeeded", "rows": 7, "parts": 2, "folder": "predictions/fraud/0123/"}


class FakeStepFunctions:
    """Step Functions with one machine; an execution runs for a few looks, and then ends as it is told."""

    def __init__(self) -> None:
        self.machines = [{"name": "serinus-release", "stateMachineArn": "other"}]
        self.machines += [{"name": "serinus-batch", "stateMachineArn": _MACHINE}]
        self.started: list[dict[str, Any]] = []
        self.ends: dict[str, Any] = {"status": "SUCCEEDED", "output": json.dumps(_DONE)}
        self.part: dict[str, Any] | None = None
        self.planned = True
        self.looks = 0

    def get_paginator(self, name: str) -> FakeStepFunctions:
        """Return itself."""
        assert name == "list_state_machines"
        return self

    def paginate(self) -> Iterator[dict[str, Any]]:
        """Return a machine a page."""
        yield from ({"stateMachines": [machine]} for machine in self.machines)

    def start_execution(self, **said: Any) -> dict[str, str]:  # noqa: ANN401 - boto3's
        """Start."""
        self.started.append(said)
        return {"executionArn": "execution"}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        """Say how the execution, or a part of it, stands."""
        if executionArn == "part":
            return self.part or {}
        self.looks += 1
        return {"status": "RUNNING"} if self.looks < 3 else self.ends

    def list_map_runs(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        """Return the one there is, once parts are planned."""
        assert executionArn == "execution"
        return {"mapRuns": [{"mapRunArn": "run"}] if self.planned and self.looks > 1 else []}

    def describe_map_run(self, mapRunArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        """Count the parts."""
        assert mapRunArn == "run"
        return {"itemCounts": {"succeeded": self.looks - 1, "failed": int(self.part is not None), "total": 2}}

    def list_executions(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """Return the part that failed."""
        return {"executions": [] if self.part is None else [{"executionArn": "part"}]}


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> FakeStepFunctions:
    """Step Functions, looked at without waiting."""
    fake = FakeStepFunctions()
    monkeypatch.setattr(module, "step_functions", lambda: fake)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)
    return fake


def run(*args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["predict", "fraud", *args], obj=Deployment().client, env={"COLUMNS": "200"})


def test_a_batch_is_started_and_followed_to_its_end(machines: FakeStepFunctions) -> None:
    """It says where the results are."""
    result = run("--input", "s3://data/batch/march/")
    assert result.exit_code == 0, result.output
    assert "7 rows in 2 parts were scored: s3://data/predictions/fraud/0123/manifest.json" in result.stdout
    (started,) = machines.started
    assert started["stateMachineArn"] == _MACHINE
    assert started["name"].startswith("fraud-")
    assert json.loads(started["input"]) == {"endpoint": "fraud", "source": "batch/march/"}


def test_json_is_one_document_and_output_is_passed_on(machines: FakeStepFunctions) -> None:
    """Without the bucket's name, which the functions know."""
    result = run("--input", "s3://data/batch/march/", "--output", "s3://data/predictions/own/", "--json")
    assert json.loads(result.stdout) == {
        "status": "succeeded",
        "rows": 7,
        "parts": 2,
        "output": "s3://data/predictions/fraud/0123/",
    }
    assert json.loads(machines.started[0]["input"])["output"] == "predictions/own/"


def test_progress_counts_parts(machines: FakeStepFunctions) -> None:
    """From the time that they are planned."""
    seen = list(module.following(cast("Any", machines), "execution"))
    assert [(progress.done, progress.total) for progress in seen] == [(1, 2), (2, 2)]


def test_a_part_that_failed_says_why(machines: FakeStepFunctions) -> None:
    """In the function's own words, and that the command can be given again."""
    machines.ends = {"status": "FAILED", "error": "BatchIncomplete", "cause": "1 of 2 parts are missing"}
    cause = json.dumps({"errorType": "DataRefused", "errorMessage": "batch/march/a.csv has no column 'age'"})
    machines.part = {"status": "FAILED", "error": "DataRefused", "cause": cause}
    result = run("--input", "s3://data/batch/march/", "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error == (
        "the batch is not whole (batch/march/a.csv has no column 'age'); the same command does what is missing"
    )


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ({"status": "FAILED", "error": "DataRefused", "cause": '{"errorMessage": "no objects"}'}, "(no objects)"),
        ({"status": "FAILED", "error": "States.Timeout", "cause": "slow"}, "(States.Timeout: slow)"),
        ({"status": "ABORTED"}, "(no reason was given)"),
    ],
)
def test_an_execution_that_failed_says_why(machines: FakeStepFunctions, ends: dict[str, Any], says: str) -> None:
    """Also where nothing was planned yet."""
    machines.ends, machines.planned = ends, False
    result = run("--input", "s3://data/batch/march/", "--json")
    assert result.exit_code == 1
    assert says in json.loads(result.stdout)["error"]


@pytest.mark.parametrize(
    "args",
    [
        ("--input", "s3://elsewhere/batch/march/"),
        ("--input", "s3://data/labels/fraud/"),
        ("--input", "rows.csv"),
        ("--input", "s3://data/batch/march/", "--output", "s3://data/models/"),
    ],
)
def test_what_is_out_of_reach_is_told_before_anything_starts(
    machines: FakeStepFunctions, args: tuple[str, ...]
) -> None:
    """With the place that is in reach."""
    result = run(*args, "--json")
    assert result.exit_code == 1
    assert "name a folder of s3://data/" in json.loads(result.stdout)["error"]
    assert machines.started == []


def test_a_deployment_without_the_machine_is_told(machines: FakeStepFunctions) -> None:
    """It is older than the command."""
    machines.machines.pop()
    result = run("--input", "s3://data/batch/march/", "--json")
    assert "deploy the control plane again" in json.loads(result.stdout)["error"]
