"""Alarms: when they change, and what tells of it."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from serinus.local_cloud.mends.alarms import period_values
from serinus.local_cloud.mends.metric_points import record
from tests.contract.local_cloud.bench import ACCOUNT, REGION, Bench, eventually, unique

pytestmark = pytest.mark.e2e

DIMENSIONS = [{"Name": "release", "Value": "r2"}]
OTHERS = [{"Name": "release", "Value": "r1"}]


def put(bench: Bench, namespace: str, ages: list[float], value: float = 5.0, **options: Any) -> None:  # noqa: ANN401 - members of the request
    """Publish a high-resolution value at each of some ages in seconds."""
    now = time.time()
    options = {"Dimensions": DIMENSIONS, "StorageResolution": 1} | options
    data: list[Any] = [{"MetricName": "Errors", "Timestamp": now - age, "Value": value} | options for age in ages]
    bench.metrics.put_metric_data(Namespace=namespace, MetricData=data)


def make_alarm(bench: Bench, namespace: str, **options: Any) -> str:  # noqa: ANN401 - as above
    """An alarm on errors above one; two of the last three periods of ten seconds."""
    name = unique("alarm")
    defaults: dict[str, Any] = {
        "AlarmName": name,
        "AlarmDescription": "errors of the candidate",
        "Namespace": namespace,
        "MetricName": "Errors",
        "Dimensions": DIMENSIONS,
        "Statistic": "Sum",
        "Period": 10,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    bench.metrics.put_metric_alarm(**(defaults | options))
    return name


def settled_state(bench: Bench, name: str, seconds: float = 2.5) -> str:
    """The alarm's state after at least two evaluations."""
    time.sleep(seconds)
    return bench.metrics.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def wait_for(bench: Bench, name: str, state: str) -> None:
    """Until the alarm is in a state."""
    eventually(
        lambda: bench.metrics.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == state,
        5,
    )


def test_m_of_n_on_its_own_dimensions(bench: Bench) -> None:
    """One breaching period of three is not enough, two are; other dimensions do not count."""
    namespaces = [unique("Alarms") for _ in range(3)]
    names = [make_alarm(bench, namespace) for namespace in namespaces]
    put(bench, namespaces[0], [5.0])
    put(bench, namespaces[1], [1.0, 13.0])
    put(bench, namespaces[2], [1.0, 13.0], Dimensions=OTHERS)
    assert [settled_state(bench, names[0]), *(settled_state(bench, name, 0) for name in names[1:])] == [
        "OK",
        "ALARM",
        "OK",
    ]


def test_missing_data(bench: Bench) -> None:
    """No data at all is what the alarm says it is."""
    expected = {
        "missing": "INSUFFICIENT_DATA",
        "ignore": "INSUFFICIENT_DATA",
        "breaching": "ALARM",
        "notBreaching": "OK",
    }
    names = {kind: make_alarm(bench, unique("Alarms"), TreatMissingData=kind) for kind in expected}
    time.sleep(2.5)
    assert {kind: settled_state(bench, name, 0) for kind, name in names.items()} == expected


@pytest.mark.parametrize(("resolution", "period", "value"), [(1, 10, 5.0), (60, 10, None), (60, 60, 5.0)])
def test_standard_resolution_has_no_data_between_minutes(resolution: int, period: int, value: float | None) -> None:
    """A ten-second alarm on a standard metric does not see what was published within the minute."""
    namespace, now = unique("Alarms"), 600_000_045.0
    record(namespace, "Errors", 5.0, {}, at=now - 1, resolution_seconds=resolution)
    alarm = {"Namespace": namespace, "MetricName": "Errors", "Statistic": "Sum", "EvaluationPeriods": 1}
    assert period_values(alarm | {"Period": period}, now) == [value]


def test_change_reaches_eventbridge_in_awss_shape(bench: Bench) -> None:
    """Every change of state is an event with the configuration and both states."""
    namespace = unique("Alarms")
    name = make_alarm(bench, namespace)
    queue = bench.forward_events(
        {
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}},
        }
    )
    wait_for(bench, name, "OK")
    put(bench, namespace, [1.0, 13.0])
    event = bench.message_in(queue)
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    assert event["resources"] == [arn]
    assert (event["account"], event["region"], event["version"]) == (ACCOUNT, REGION, "0")
    detail = event["detail"]
    assert detail["previousState"]["value"] == "OK"
    assert detail["state"]["reason"].startswith("Threshold Crossed: 2 out of the last 3 datapoints [5.0, 5.0]")
    assert set(detail["state"]) == {"value", "reason", "reasonData", "timestamp"}
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"dimensions": {"release": "r2"}, "name": "Errors", "namespace": namespace},
        "period": 10,
        "stat": "Sum",
    }
    assert detail["configuration"]["description"] == "errors of the candidate"


def test_actions_call_functions(bench: Bench) -> None:
    """An alarm's action may be a function."""
    function = bench.make_function("def handler(event, context):\n    print(event['alarmData']['alarmName'])\n")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    name = make_alarm(bench, unique("Alarms"), TreatMissingData="breaching", AlarmActions=[arn])
    wait_for(bench, name, "ALARM")
    bench.logs.create_log_group(logGroupName=f"/aws/lambda/{function}")
    eventually(lambda: name in [line for _, line in bench.log_lines(function)])


@pytest.mark.parametrize(
    "options", [{"Period": 15}, {"Period": 90}, {"Period": 5}, {"DatapointsToAlarm": 4}, {"Period": 86_400}]
)
def test_what_aws_refuses_is_refused(bench: Bench, options: dict[str, Any]) -> None:
    """Periods and counts that CloudWatch does not take."""
    if options == {"Period": 86_400}:
        options = {"Period": 86_400, "EvaluationPeriods": 8}
    with pytest.raises(ClientError, match="ValidationError"):
        make_alarm(bench, "Alarms", **options)


def make_share_alarm(bench: Bench, namespace: str, expression: str) -> str:
    """An alarm on a share of failures above a half, in ten seconds."""
    name = unique("alarm")
    queries: list[Any] = [{"Id": "share", "Expression": expression, "ReturnData": True}]
    queries += [
        {
            "Id": id_,
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": DIMENSIONS},
                "Period": 10,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }
        for id_, metric in (("failed", "Errors"), ("asked", "Requests"))
    ]
    bench.metrics.put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0.5,
        TreatMissingData="notBreaching",
        Metrics=queries,
    )
    return name


def test_an_expression_over_two_metrics(bench: Bench) -> None:
    """The share of requests that failed counts, once there are enough of them."""
    namespaces = [unique("Alarms") for _ in range(3)]
    names = [make_share_alarm(bench, namespace, "IF(asked >= 20, failed / asked, 0)") for namespace in namespaces]
    for namespace, failed, asked in zip(namespaces, (15.0, 19.0, 5.0), (20.0, 19.0, 20.0), strict=True):
        put(bench, namespace, [1.0], failed)
        put(bench, namespace, [1.0], asked, MetricName="Requests")
    assert [settled_state(bench, names[0]), *(settled_state(bench, name, 0) for name in names[1:])] == [
        "ALARM",
        "OK",
        "OK",
    ]


def test_unknown_metric_math_is_refused_plainly(bench: Bench) -> None:
    """Better no alarm than one that never fires."""
    with pytest.raises(ClientError, match="metric math"):
        make_share_alarm(bench, "Alarms", "ANOMALY_DETECTION_BAND(failed)")
