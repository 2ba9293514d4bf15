"""How predictions leave an inference function: through its log, to `collect_predictions`."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

# Prediction records, and the platform's word that a request began and ended: one that died leaves no record.
ADMITTED = '{ ($.record.id = *) || ($.type = "platform.start") || ($.type = "platform.report") }'


class PredictionLog(Construct):
    """A subscription of the collecting function to an inference function's log."""

    def __init__(
        self, scope: Construct, construct_id: str, *, log_group: logs.LogGroup, collector: lambda_.IFunction
    ) -> None:
        super().__init__(scope, construct_id)
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=collector.function_arn,
            principal=iam.ServicePrincipal("logs.amazonaws.com").service,
            source_arn=log_group.log_group_arn,
        )
        subscription = logs.CfnSubscriptionFilter(
            self,
            "Subscription",
            log_group_name=log_group.log_group_name,
            filter_pattern=ADMITTED,
            destination_arn=collector.function_arn,
        )
        subscription.add_resource_dependency(permission)
