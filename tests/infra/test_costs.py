"""What the benchmark's cost table counts is what the stacks make."""

from __future__ import annotations

from tests.benchmarks.serving import costs
from tests.infra.assembly import Assembly


def _alarm_metrics(assembly: Assembly, stack: str) -> int:
    """Count what alarms are paid by: the metrics that each of them reads."""
    return sum(
        max(1, sum("MetricStat" in metric for metric in alarm.properties.get("Metrics", [])))
        for alarm in assembly.resources("AWS::CloudWatch::Alarm")
        if alarm.stack == stack
    )


def test_an_endpoint_has_as_many_alarms_and_series_as_are_paid_for(aws: Assembly) -> None:
    """Alarms are paid by the metrics that they read."""
    assert _alarm_metrics(aws, "SerinusEndpoint-fraud") == costs.ALARM_METRICS_OF_AN_ENDPOINT
    filters = [one for one in aws.resources("AWS::Logs::MetricFilter") if one.stack == "SerinusEndpoint-fraud"]
    assert len(filters) == costs.SERIES_OF_AN_ENDPOINT


def test_a_deployment_has_as_many_alarms_keys_and_dashboards_as_are_paid_for(aws: Assembly) -> None:
    """All endpoints share them."""
    assert _alarm_metrics(aws, "SerinusControlPlane") == costs.ALARM_METRICS_OF_A_DEPLOYMENT
    assert len(list(aws.resources("AWS::KMS::Key"))) == costs.KEYS_OF_A_DEPLOYMENT
    assert len(list(aws.resources("AWS::CloudWatch::Dashboard"))) == costs.DASHBOARDS_OF_A_DEPLOYMENT
