"""`Alarms`: a rollout's per-version alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serinus.domain.rollout_plan import HardAlarm
from tests.contract.clouds import AwsCloud, Cloud

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef


def test_alarms_begin_quiet(cloud: Cloud) -> None:
    """No data is not a failure."""
    cloud.alarms.create("fraud", 5, HardAlarm())
    assert cloud.alarms.firing("fraud", 5) == ()


def test_firing_tells_the_reason(cloud: Cloud) -> None:
    """The reason goes into the ledger."""
    cloud.alarms.create("fraud", 5, HardAlarm())
    cloud.fire("fraud", 5, "31 requests failed")
    (reason,) = cloud.alarms.firing("fraud", 5)
    assert "31 requests failed" in reason


def test_an_alarm_is_of_one_release(cloud: Cloud) -> None:
    """Release 5 is neither release 55 nor the release 5 of another endpoint."""
    for endpoint, release in (("fraud", 5), ("fraud", 55), ("fraud-eu", 5)):
        cloud.alarms.create(endpoint, release, HardAlarm())
    cloud.fire("fraud", 55, "failed")
    cloud.fire("fraud-eu", 5, "failed")
    assert cloud.alarms.firing("fraud", 5) == ()
    assert len(cloud.alarms.firing("fraud", 55)) == 1


def test_creating_again_is_harmless(cloud: Cloud) -> None:
    """A repeated step makes no second alarm, and removing removes all there is."""
    cloud.alarms.create("fraud", 5, HardAlarm())
    cloud.alarms.create("fraud", 5, HardAlarm())
    cloud.fire("fraud", 5, "failed")
    cloud.alarms.remove("fraud", 5)
    assert cloud.alarms.firing("fraud", 5) == ()


def test_removing_none_is_harmless(cloud: Cloud) -> None:
    """A repeated end of a rollout finds the alarms gone."""
    cloud.alarms.remove("fraud", 5)
    assert cloud.alarms.firing("fraud", 5) == ()


def test_the_alarms_on_aws_are_what_the_rule_and_the_metrics_expect(aws: AwsCloud) -> None:
    """Names begin with the rule's prefix, dimensions are those that the handler and Lambda emit."""
    aws.alarms.create("fraud", 5, HardAlarm(failing_share=0.4, minimum_requests=30, period_seconds=10))
    found = aws.clients.cloudwatch.describe_alarms()["MetricAlarms"]
    alarms = {alarm["AlarmName"]: alarm for alarm in found}
    assert watched(alarms["serinus-rollout/fraud/5/failures"]) == {
        (10, "Serinus", "ServerErrors", "endpoint=fraud, release=5"),
        (10, "Serinus", "Requests", "endpoint=fraud, release=5"),
    }
    function = "FunctionName=serinus-endpoint-fraud, Resource=serinus-endpoint-fraud:live, ExecutedVersion=5"
    assert watched(alarms["serinus-rollout/fraud/5/errors"]) == {
        (60, "AWS/Lambda", "Errors", function),
        (60, "AWS/Lambda", "Invocations", function),
    }
    for alarm in alarms.values():
        (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
        assert expression == "IF(asked >= 30, failed / asked, 0)"
        assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0.4, 1)
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"


def watched(alarm: MetricAlarmTypeDef) -> set[tuple[int, str, str, str]]:
    """Return the period, namespace, name and dimensions of each metric that an alarm computes with."""
    metrics = [query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query]
    return {
        (
            stat["Period"],
            stat["Metric"]["Namespace"],
            stat["Metric"]["MetricName"],
            ", ".join(f"{dimension['Name']}={dimension['Value']}" for dimension in stat["Metric"]["Dimensions"]),
        )
        for stat in metrics
    }
