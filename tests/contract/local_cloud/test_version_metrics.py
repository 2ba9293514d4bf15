"""Lambda's metrics by alias and executed version, on every path."""

import datetime
import urllib.error

import pytest

from tests.contract.local_cloud.bench import Bench

pytestmark = pytest.mark.e2e

FAILS_IN_SECOND = """
    import os

    def handler(event, context):
        if os.environ["WHICH"] == "second":
            raise ValueError("second")
        return {"statusCode": 200, "body": "{}"}
"""


def total(bench: Bench, metric: str, statistic: str = "Sum", **dimensions: str) -> float:
    """A statistic of one metric with exactly these dimensions, over the last minutes."""
    now = datetime.datetime.now(datetime.UTC)
    found = bench.metrics.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=5),
        Period=3600,
        Statistics=[statistic],  # type: ignore[list-item] # a literal type in the stubs
    )["Datapoints"]
    return float(sum(point[statistic] for point in found))  # type: ignore[literal-required] # as above


def test_counts_by_alias_and_version(bench: Bench) -> None:
    """Every path is counted by function, by alias, and by the version that ran."""
    name = bench.two_versions(FAILS_IN_SECOND)
    arn = bench.weighted_alias(name, 0.0)
    url = bench.make_http_api(arn)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": arn, "Payload": {}},
        "End": True,
    }
    bench.invoke(arn)
    bench.post(f"{url}/x")
    bench.run_machine({"StartAt": "Call", "States": {"Call": task}}, {})
    bench.functions.update_alias(
        FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}}
    )
    bench.invoke(arn)
    with pytest.raises(urllib.error.HTTPError):
        bench.post(f"{url}/x")

    resource = f"{name}:live"
    assert total(bench, "Invocations", FunctionName=name) == 5
    assert total(bench, "Invocations", FunctionName=name, Resource=resource) == 5
    first = {"FunctionName": name, "Resource": resource, "ExecutedVersion": "1"}
    second = first | {"ExecutedVersion": "2"}
    assert total(bench, "Invocations", **first) == 3
    assert total(bench, "Errors", **first) == 0
    assert total(bench, "Invocations", **second) == 2
    assert total(bench, "Errors", **second) == 2
    assert total(bench, "Duration", "SampleCount", **second) == 2


def test_duration_leaves_initialisation_out(bench: Bench) -> None:
    """A slow import is not part of the request's duration."""
    name = bench.make_function("import time\ntime.sleep(0.5)\ndef handler(event, context):\n    pass\n")
    bench.invoke(name)
    assert 0 < total(bench, "Duration", "Maximum", FunctionName=name) < 400


def test_throttled_requests_are_throttles_only(bench: Bench) -> None:
    """A refused request is not an invocation."""
    name = bench.make_function("def handler(event, context):\n    pass\n")
    bench.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(bench.functions.exceptions.TooManyRequestsException):
        bench.invoke(name)
    assert total(bench, "Throttles", FunctionName=name) == 1
    assert total(bench, "Invocations", FunctionName=name) == 0
