"""The alarms that watch an endpoint whether or not anything is being rolled out."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.local import departures
from serinus.settings import METRIC_NAMESPACE

_PERIOD = Duration.minutes(1)
_WINDOW = Duration.minutes(5)
_FAILING_SHARE_PERCENT = 5
_SERVER_ERRORS = "EndpointServerErrors"


class EndpointAlarms(Construct):
    """Requests answered 5xx, requests turned away, and too large a share of requests failing."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: str,
        function: lambda_.Function,
        log_group: logs.LogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint = endpoint
        server_errors = self._server_errors(log_group)
        throttles = function.metric_throttles(period=_PERIOD)
        self._alarm("ServerErrors", server_errors, 5, "answered requests with a server error")
        self._alarm("Errors", function.metric_errors(period=_PERIOD), 5, "raised errors or timed out")
        self._alarm("Throttles", throttles, 1, "turned requests away for want of concurrency")
        if not departures(self).metric_math_alarms:
            share = _failing_share(function, server_errors)
            self._alarm("FailingShare", share, _FAILING_SHARE_PERCENT, "fails too large a share of its requests")

    def _server_errors(self, log_group: logs.LogGroup) -> cloudwatch.Metric:
        """Count the 5xx answers of all releases; the handler's own metric has one series for each release."""
        logs.CfnMetricFilter(
            self,
            "CountServerErrors",
            log_group_name=log_group.log_group_name,
            filter_pattern="{ $.ServerErrors > 0 }",
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=METRIC_NAMESPACE,
                    metric_name=_SERVER_ERRORS,
                    metric_value="$.ServerErrors",
                    dimensions=[logs.CfnMetricFilter.DimensionProperty(key="endpoint", value="$.endpoint")],
                )
            ],
        )
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=_SERVER_ERRORS,
            dimensions_map={"endpoint": self._endpoint},
            statistic="Sum",
            period=_PERIOD,
        )

    def _alarm(self, construct_id: str, metric: cloudwatch.IMetric, threshold: float, what: str) -> None:
        cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            alarm_description=f"Endpoint {self._endpoint} {what}.",
            threshold=threshold,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _failing_share(function: lambda_.Function, server_errors: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Return the percentage of requests of five minutes that failed."""
    return cloudwatch.MathExpression(
        expression="100 * (FILL(answered, 0) + FILL(raised, 0)) / invocations",
        label="Requests that failed, in percent",
        using_metrics={
            "answered": server_errors.with_(period=_WINDOW),
            "raised": function.metric_errors(period=_WINDOW),
            "invocations": function.metric_invocations(period=_WINDOW),
        },
        period=_WINDOW,
    )
