"""`serinus predict`: a batch of rows in S3, scored by the model that is live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from serinus import settings
from serinus.cli.terminal import AsJson, console, deployment, escaped, print_json, progress_console
from serinus.errors import DataRefused, SerinusError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_LOOK_SECONDS = 2.0
_SCHEME = "s3://"


class BatchFailed(SerinusError):
    """A batch ended without being whole; the text says why, and that what was done of it is kept."""


@dataclass(frozen=True)
class Progress:
    """How far an execution is: `total` is 0 until the parts are planned."""

    done: int
    failed: int
    total: int


def predict(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose live model to use.")],
    source: Annotated[
        str,
        typer.Option(
            "--input",
            help="Where the rows are: s3://<data bucket>/batch/…, .csv, .jsonl or .parquet objects with a column for "
            "each feature. `batch/` of the data bucket is all that the functions may read.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(help="Where results go: s3://<data bucket>/predictions/…; a folder of the endpoint by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score all rows under a prefix, and write the scores as Parquet with a manifest.

    What fails can be started again by the same command: the same objects, scored by the same model, are the same
    batch, and its parts that are done are kept.
    """
    bucket = deployment(ctx).resources.data_bucket
    wanted = {"endpoint": endpoint, "source": key_in(bucket, source, "batch/")}
    if output is not None:
        wanted["output"] = key_in(bucket, output, "predictions/")
    machines = step_functions()
    execution = machines.start_execution(
        stateMachineArn=_machine(machines), name=f"{endpoint[:40]}-{uuid4().hex}", input=json.dumps(wanted)
    )["executionArn"]
    with progress_console().status("planning the parts") as status:
        for progress in following(machines, execution):
            failed = f", {progress.failed} failed" if progress.failed else ""
            status.update(f"{progress.done} of {progress.total} parts scored{failed}")
    document = _result(machines, execution, bucket)
    if as_json:
        print_json(document)
    else:
        said = f"{document['rows']} rows in {document['parts']} parts were scored: {document['output']}manifest.json"
        console().print(escaped(said), soft_wrap=True)


def step_functions() -> SFNClient:
    """Return the client of Step Functions; no port, as nothing else starts executions."""
    import boto3

    return boto3.client("stepfunctions")


def key_in(bucket: str, address: str, prefix: str) -> str:
    """Return the key of an address within a prefix of the data bucket.

    >>> key_in("data", "s3://data/batch/march/", "batch/")
    'batch/march/'

    Raises:
        DataRefused: it is elsewhere, where no function may reach.
    """
    within = f"{_SCHEME}{bucket}/{prefix}"
    if not address.startswith(within):
        raise DataRefused(f"{address!r} is out of reach: name a folder of {within}, and copy rows there first")
    return address.removeprefix(f"{_SCHEME}{bucket}/")


def following(machines: SFNClient, execution: str) -> Iterator[Progress]:
    """Look now and then, until the execution has ended."""
    while True:
        ended = machines.describe_execution(executionArn=execution)["status"] != "RUNNING"
        runs = machines.list_map_runs(executionArn=execution)["mapRuns"]
        if runs:
            counts = machines.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
            yield Progress(counts["succeeded"], counts["failed"], counts["total"])
        if ended:
            return
        time.sleep(_LOOK_SECONDS)


def _machine(machines: SFNClient) -> str:
    """Return the ARN of the state machine, found by its name."""
    wanted = settings.state_machine_name("batch")
    for page in machines.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"] == wanted:
                return machine["stateMachineArn"]
    raise BatchFailed(f"there is no state machine {wanted}: deploy the control plane again")


def _result(machines: SFNClient, execution: str, bucket: str) -> dict[str, object]:
    ended = machines.describe_execution(executionArn=execution)
    if ended["status"] == "SUCCEEDED":
        said = json.loads(ended["output"])
        return {
            "status": said["status"],
            "rows": said["rows"],
            "parts": said["parts"],
            "output": f"{_SCHEME}{bucket}/{said['folder']}",
        }
    reason = _first_failure(machines, execution) or _reason(ended.get("error", ""), ended.get("cause", ""))
    raise BatchFailed(f"the batch is not whole ({reason}); the same command does what is missing")


def _first_failure(machines: SFNClient, execution: str) -> str | None:
    """Return why one of the parts failed, for which the execution itself only has a number."""
    runs = machines.list_map_runs(executionArn=execution)["mapRuns"]
    if not runs:
        return None
    failed = machines.list_executions(mapRunArn=runs[0]["mapRunArn"], statusFilter="FAILED", maxResults=1)
    for part in failed["executions"]:
        said = machines.describe_execution(executionArn=part["executionArn"])
        return _reason(said.get("error", ""), said.get("cause", ""))
    return None


def _reason(error: str, cause: str) -> str:
    """Return a function's own sentence out of what Lambda made of it.

    >>> _reason("DataRefused", '{"errorMessage": "there are no objects", "errorType": "DataRefused"}')
    'there are no objects'
    """
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return f"{error}: {cause}" if cause else error or "no reason was given"
