"""One page of graphs: who runs, who fails, who waits."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra_cdk.constructs.function import SerinusFunction
from infra_cdk.constructs.state_machine import SerinusStateMachine


class Dashboard(Construct):
    """The control plane at a glance."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Sequence[SerinusFunction],
        machines: Sequence[SerinusStateMachine],
    ) -> None:
        super().__init__(scope, construct_id)
        queues = [function.failures.queue for function in functions if function.failures]
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name="serinus")
        dashboard.add_widgets(
            _graph("Invocations", [function.function.metric_invocations() for function in functions]),
            _graph("Errors", [function.function.metric_errors() for function in functions]),
        )
        dashboard.add_widgets(
            _graph("Executions started", [machine.machine.metric_started() for machine in machines]),
            _graph("Executions failed", [machine.machine.metric_failed() for machine in machines]),
        )
        dashboard.add_widgets(
            _graph("Failures waiting", [queue.metric_approximate_number_of_messages_visible() for queue in queues]),
            _graph("Duration", [function.function.metric_duration() for function in functions]),
        )


def _graph(title: str, metrics: Sequence[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12)
