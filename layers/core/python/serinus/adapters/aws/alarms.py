"""The alarms of a rollout, on CloudWatch; a rule turns their state changes into `roll_back`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from serinus import settings
from serinus.domain.policy import HardAlarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, PutMetricAlarmInputTypeDef

_SHORTEST_LAMBDA_PERIOD = 60  # AWS/Lambda metrics have no finer resolution; Serinus's own have one second


class CloudWatchAlarms:
    """`Alarms` on CloudWatch: `failures` counts answers of 5xx, `errors` invocations that died without an answer."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def create(self, endpoint: str, release: int, alarm: HardAlarm) -> None:
        """Make the candidate's alarms; making them again is harmless."""
        self._client.put_metric_alarm(**_failures(endpoint, release, alarm))
        self._client.put_metric_alarm(**_errors(endpoint, release, alarm))

    def remove(self, endpoint: str, release: int) -> None:
        """Remove them; CloudWatch refuses names that do not exist, so only those found are named."""
        names = [alarm["AlarmName"] for alarm in self._alarms(endpoint, release)]
        if names:
            self._client.delete_alarms(AlarmNames=names)

    def firing(self, endpoint: str, release: int) -> tuple[str, ...]:
        """Return the reasons of those that are in alarm."""
        return tuple(
            f"{alarm['AlarmName'].rsplit('/', 1)[-1]}: {alarm.get('StateReason', '')}"
            for alarm in self._alarms(endpoint, release)
            if alarm["StateValue"] == "ALARM"
        )

    def _alarms(self, endpoint: str, release: int) -> Iterator[MetricAlarmTypeDef]:
        pages = self._client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=_name(endpoint, release, kind=""), AlarmTypes=["MetricAlarm"]
        )
        for page in pages:
            yield from page["MetricAlarms"]


def _name(endpoint: str, release: int, *, kind: str) -> str:
    return f"{settings.ALARM_PREFIX}/{endpoint}/{release}/{kind}"


def _failures(endpoint: str, release: int, alarm: HardAlarm) -> PutMetricAlarmInputTypeDef:
    return {
        "AlarmName": _name(endpoint, release, kind="failures"),
        "AlarmDescription": f"Release {release} of {endpoint} answers 5xx; its rollout is rolled back.",
        "Namespace": settings.METRIC_NAMESPACE,
        "MetricName": "ServerErrors",
        "Dimensions": [{"Name": "endpoint", "Value": endpoint}, {"Name": "release", "Value": str(release)}],
        "Period": alarm.period_seconds,
        "Statistic": "Sum",
        "Threshold": alarm.failures,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "TreatMissingData": "notBreaching",
    }


def _errors(endpoint: str, release: int, alarm: HardAlarm) -> PutMetricAlarmInputTypeDef:
    function = settings.inference_function_name(endpoint)
    return _failures(endpoint, release, alarm) | {
        "AlarmName": _name(endpoint, release, kind="errors"),
        "AlarmDescription": f"Invocations of release {release} of {endpoint} fail; its rollout is rolled back.",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": f"{function}:{settings.LIVE_ALIAS}"},
            {"Name": "ExecutedVersion", "Value": str(release)},
        ],
        "Period": max(_SHORTEST_LAMBDA_PERIOD, alarm.period_seconds),
    }
