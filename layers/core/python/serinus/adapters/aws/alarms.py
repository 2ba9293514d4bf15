"""The alarms of a rollout, on CloudWatch; a rule turns their state changes into `roll_back`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serinus import settings
from serinus.adapters.aws.failures import answering
from serinus.domain.rollout_plan import HardAlarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        DimensionTypeDef,
        MetricAlarmTypeDef,
        MetricDataQueryTypeDef,
        PutMetricAlarmInputTypeDef,
    )

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
        with answering("CloudWatch"):
            for page in pages:
                yield from page["MetricAlarms"]


def _name(endpoint: str, release: int, *, kind: str) -> str:
    return f"{settings.ALARM_PREFIX}/{endpoint}/{release}/{kind}"


@dataclass(frozen=True)
class _Watched:
    """Two metrics with the same dimensions: how many requests there were, and how many of them failed."""

    namespace: str
    failed: str
    asked: str
    dimensions: Mapping[str, str]


def _failures(endpoint: str, release: int, alarm: HardAlarm) -> PutMetricAlarmInputTypeDef:
    """Return the alarm on answers of 5xx; Serinus's own metrics have a resolution of one second."""
    dimensions = {"endpoint": endpoint, "release": str(release)}
    watched = _Watched(settings.METRIC_NAMESPACE, "ServerErrors", "Requests", dimensions)
    what = f"Release {release} of {endpoint} answers 5xx; its rollout is rolled back."
    return _alarm(_name(endpoint, release, kind="failures"), what, watched, alarm, alarm.period_seconds)


def _errors(endpoint: str, release: int, alarm: HardAlarm) -> PutMetricAlarmInputTypeDef:
    """Return the alarm on invocations that died without an answer."""
    function = settings.inference_function_name(endpoint)
    dimensions = {
        "FunctionName": function,
        "Resource": f"{function}:{settings.LIVE_ALIAS}",
        "ExecutedVersion": str(release),
    }
    watched = _Watched("AWS/Lambda", "Errors", "Invocations", dimensions)
    what = f"Invocations of release {release} of {endpoint} fail; its rollout is rolled back."
    period_seconds = max(_SHORTEST_LAMBDA_PERIOD, alarm.period_seconds)
    return _alarm(_name(endpoint, release, kind="errors"), what, watched, alarm, period_seconds)


def _alarm(
    name: str, what: str, watched: _Watched, alarm: HardAlarm, period_seconds: int
) -> PutMetricAlarmInputTypeDef:
    """Return an alarm on the share of requests that failed, where there were enough of them."""
    return {
        "AlarmName": name,
        "AlarmDescription": what,
        "Metrics": [
            {
                "Id": "share",
                "Expression": f"IF(asked >= {alarm.minimum_requests}, failed / asked, 0)",
                "Label": "share of requests that failed",
                "ReturnData": True,
            },
            _query("failed", watched.failed, watched, period_seconds),
            _query("asked", watched.asked, watched, period_seconds),
        ],
        "Threshold": alarm.failing_share,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "TreatMissingData": "notBreaching",
    }


def _query(id_: str, metric: str, watched: _Watched, period_seconds: int) -> MetricDataQueryTypeDef:
    dimensions: list[DimensionTypeDef] = [
        {"Name": name, "Value": value} for name, value in watched.dimensions.items()
    ]
    return {
        "Id": id_,
        "MetricStat": {
            "Metric": {"Namespace": watched.namespace, "MetricName": metric, "Dimensions": dimensions},
            "Period": period_seconds,
            "Stat": "Sum",
        },
        "ReturnData": False,
    }
