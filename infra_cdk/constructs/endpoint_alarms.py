"""The alarms that watch an endpoint whether or not anything is being rolled out."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra_cdk.local import departures
from serinus.domain.figures import CONCEPT_DRIFTED, DRIFTED, at_best, estimated, realised
from serinus.domain.metric import MetricGate
from serinus.domain.policy import Policy
from serinus.domain.task import Task
from serinus.settings import METRIC_NAMESPACE

_PERIOD = Duration.minutes(1)
_WINDOW = Duration.minutes(5)
_LONGEST_PERIOD_MINUTES = 1_440  # of an alarm of one period
_SERVER_ERRORS = "EndpointServerErrors"
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD


class EndpointAlarms(Construct):
    """Requests that fail, wait or are turned away, drift, and performance below the policy's floors.

    None of them is named as a rollout's alarm is, which would move traffic.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        policy: Policy,
        function: lambda_.Function,
        log_group: logs.LogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._policy = policy
        self._topics = [
            sns.Topic.from_topic_arn(self, f"Topic{number}", arn) for number, arn in enumerate(policy.alarms.topics)
        ]
        self._watch_requests(function, self._server_errors(log_group))
        self._watch_what_is_served()

    def _watch_requests(self, function: lambda_.Function, server_errors: cloudwatch.Metric) -> None:
        limits = self._policy.alarms
        throttles = function.metric_throttles(period=_PERIOD)
        self._alarm("ServerErrors", server_errors, 5, "answered requests with a server error")
        self._alarm("Errors", function.metric_errors(period=_PERIOD), 5, "raised errors or timed out")
        self._alarm("Throttles", throttles, 1, "turned requests away for want of concurrency")
        if limits.latency_p95_ms is not None:
            slow = function.metric_duration(period=_WINDOW, statistic="p95")
            self._alarm("Latency", slow, limits.latency_p95_ms, "is slower than its policy allows", beyond=_ABOVE)
        if not departures(self).metric_math_alarms:
            share = _failing_share(function, server_errors)
            self._alarm(
                "FailingShare", share, limits.failing_share_percent, "fails too large a share of its requests"
            )

    def _watch_what_is_served(self) -> None:
        """One look that finds something suffices: each has weighed chance already."""
        drift, performance = self._policy.drift, self._policy.performance
        drifted = self._looked_at(DRIFTED, drift.every_minutes)
        self._alarm("Drift", drifted, 1, "has drifted from what its model was validated on", looks=1)
        concept = self._looked_at(CONCEPT_DRIFTED, performance.every_minutes)
        self._alarm("ConceptDrift", concept, 1, "has labels that its scores did not let expect", looks=1)
        for floor in self._policy.floors:
            if self._policy.task is Task.BINARY and not floor.metric.needs_labels:
                self._watch_floor(floor, estimated(floor.metric), "an estimated")
            if not floor.metric.is_inflated:
                self._watch_floor(floor, realised(floor.metric), "by its labels a")

    def _watch_floor(self, floor: MetricGate, series: str, told: str) -> None:
        """Watch the better end of the interval: where even that falls short, little doubt is left."""
        watched = self._looked_at(at_best(series), self._policy.performance.every_minutes)
        said = f"has {told} {floor.metric} beyond its policy's"
        if floor.minimum is not None:
            name = f"{at_best(series)}Minimum"
            self._alarm(name, watched, floor.minimum, f"{said} minimum", looks=1, beyond=_BELOW)
        if floor.maximum is not None:
            name = f"{at_best(series)}Maximum"
            self._alarm(name, watched, floor.maximum, f"{said} maximum", looks=1, beyond=_ABOVE)

    def _looked_at(self, name: str, every_minutes: int) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={"endpoint": self._policy.endpoint},
            statistic="Maximum",
            period=Duration.minutes(min(every_minutes, _LONGEST_PERIOD_MINUTES)),
        )

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
            dimensions_map={"endpoint": self._policy.endpoint},
            statistic="Sum",
            period=_PERIOD,
        )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        what: str,
        *,
        looks: int = 3,
        beyond: cloudwatch.ComparisonOperator = _AT_LEAST,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            alarm_description=f"Endpoint {self._policy.endpoint} {what}.",
            threshold=threshold,
            evaluation_periods=looks,
            datapoints_to_alarm=max(1, looks - 1),
            comparison_operator=beyond,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        for topic in self._topics:
            alarm.add_alarm_action(actions.SnsAction(topic))
            alarm.add_ok_action(actions.SnsAction(topic))


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
