"""Metrics embedded in log lines."""

import datetime
import json
import time

import pytest

from tests.contract.local_cloud.bench import Bench, unique

pytestmark = pytest.mark.e2e


def statistics(bench: Bench, namespace: str, metric: str, **dimensions: str) -> dict[str, float]:
    """Count and sum of a metric with exactly these dimensions."""
    now = datetime.datetime.now(datetime.UTC)
    points = bench.metrics.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    return {
        "Sum": sum(point["Sum"] for point in points),
        "SampleCount": sum(point["SampleCount"] for point in points),
    }


def line(namespace: str, **members: object) -> str:
    """A line in the embedded metric format with two dimension sets and two metrics."""
    directive = {
        "Namespace": namespace,
        "Dimensions": [["endpoint"], ["endpoint", "release"]],
        "Metrics": [
            {"Name": "Latency", "Unit": "Milliseconds", "StorageResolution": 1},
            {"Name": "Rows", "Unit": "Count"},
        ],
    }
    meta = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": meta, "endpoint": "churn", "release": "r1", "other": "x"} | members)


def test_handlers_lines_become_metrics(bench: Bench) -> None:
    """Numbers and arrays are recorded under each dimension set."""
    namespace = unique("Serinus")
    name = bench.make_function("def handler(event, context):\n    print(event)\n")
    bench.invoke(name, line(namespace, Latency=[1.5, 2.5], Rows=3))
    bench.invoke(name, line(namespace, Latency=4.0, Rows=3))
    for dimensions in ({"endpoint": "churn"}, {"endpoint": "churn", "release": "r1"}):
        assert statistics(bench, namespace, "Latency", **dimensions) == {"Sum": 8.0, "SampleCount": 3.0}
        assert statistics(bench, namespace, "Rows", **dimensions) == {"Sum": 6.0, "SampleCount": 2.0}
    assert statistics(bench, namespace, "Rows", release="r1")["SampleCount"] == 0


def test_put_log_events_is_parsed_too(bench: Bench) -> None:
    """Whoever writes the line; a dimension set that the line lacks is left out."""
    namespace, group = unique("Serinus"), unique("group")
    bench.logs.create_log_group(logGroupName=group)
    bench.logs.create_log_stream(logGroupName=group, logStreamName="s")
    message = json.loads(line(namespace, Rows=7, Latency="not a number"))
    del message["release"]
    bench.logs.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[
            {"timestamp": int(time.time() * 1000), "message": json.dumps(message)},
            {"timestamp": int(time.time() * 1000), "message": '{"_aws": 1, broken'},
        ],
    )
    assert statistics(bench, namespace, "Rows", endpoint="churn") == {"Sum": 7.0, "SampleCount": 1.0}
    assert statistics(bench, namespace, "Rows", endpoint="churn", release="r1")["SampleCount"] == 0
    assert statistics(bench, namespace, "Latency", endpoint="churn")["SampleCount"] == 0
