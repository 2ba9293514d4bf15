"""One page of graphs for all endpoints, of which a person picks one: each dashboard costs $3 a month."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from serinus.domain.figures import (
    DRIFTED,
    ESTIMABLE,
    LABELLED_SHARE,
    LARGEST_FEATURE_PSI,
    ROWS_CHECKED,
    SCORE_PSI,
    estimated,
    realised,
)
from serinus.domain.metric import Metric
from serinus.settings import METRIC_NAMESPACE

_PICKED = "THE_ENDPOINT"  # what the page puts the picked endpoint's name in place of
_SERIES = f"{{{METRIC_NAMESPACE},endpoint,release}}"
_MINUTE, _HOUR = 60, 3_600


class EndpointDashboard(Construct):
    """What an endpoint serves and how well, a line for each release."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name="serinus-endpoints")
        dashboard.add_variable(
            cloudwatch.DashboardVariable(
                id="endpoint",
                label="Endpoint",
                type=cloudwatch.VariableType.PATTERN,
                input_type=cloudwatch.VariableInputType.SELECT,
                value=_PICKED,
                default_value=cloudwatch.DefaultValue.FIRST,
                values=cloudwatch.Values.from_search(f'{_SERIES} MetricName="Requests"', "endpoint"),
                visible=True,
            )
        )
        dashboard.add_widgets(
            _graph("Requests", ["Requests"], "Sum"),
            _graph("Requests refused or failed", ["ClientErrors", "ServerErrors"], "Sum"),
        )
        dashboard.add_widgets(
            _graph("Latency, 95th percentile, ms", ["Latency"], "p95"),
            _graph("Rows scored", ["Rows"], "Sum"),
        )
        dashboard.add_widgets(
            _graph("Drift: furthest feature and score, PSI", [LARGEST_FEATURE_PSI, SCORE_PSI], "Maximum", _HOUR),
            _graph("Drift found", [DRIFTED], "Maximum", _HOUR),
        )
        dashboard.add_widgets(
            _graph("Performance, estimated without labels", map(estimated, ESTIMABLE), "Average", _HOUR),
            _graph("Performance, by the labels that have come", map(realised, Metric), "Average", _HOUR),
        )
        dashboard.add_widgets(
            _graph("Rows that drift was looked for in", [ROWS_CHECKED], "Maximum", _HOUR),
            _graph("Share of rows with a label", [LABELLED_SHARE], "Average", _HOUR),
        )


def _graph(title: str, names: Iterable[str], statistic: str, seconds: int = _MINUTE) -> cloudwatch.GraphWidget:
    """Draw a metric's series, whichever releases have one: they are searched for when the page is looked at."""
    named = " OR ".join(f'"{name}"' for name in names)
    search = f'{_SERIES} MetricName=({named}) endpoint="{_PICKED}"'
    found = cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', '{statistic}', {seconds})", label="", using_metrics={}
    )
    return cloudwatch.GraphWidget(title=title, left=[found], width=12)
