"""Where what failed waits for a person."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.constructs.permission import acknowledge


class FailureQueue(Construct):
    """A queue for events that could not be handled, and an alarm that rings when one waits there."""

    def __init__(self, scope: Construct, construct_id: str, *, of: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"{of}-failed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self.queue, {"AwsSolutions-SQS3": "It is itself where failures end; a person empties it."})
        self.queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic="Maximum"
        ).create_alarm(
            self,
            "Alarm",
            alarm_name=f"{of}-failed",
            alarm_description=f"Something {of} could not handle waits in the queue {of}-failed.",
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
