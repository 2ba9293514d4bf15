"""The one construct that every Lambda function of Serinus is made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.constructs.failure_queue import FailureQueue
from infra_cdk.constructs.layers import Layers
from infra_cdk.constructs.permission import Permission, acknowledge, let_wildcards_through
from serinus.settings import as_environment

FUNCTIONS = Path(__file__).parents[2] / "functions"
HANDLER = "handler.handler"
RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.X86_64
_DISK_MB = 512  # what Lambda gives at no charge
LEFT_OUT_OF_CODE = ("**/__pycache__", "**/*.pyc")


@dataclass(frozen=True)
class Blueprint:
    """What one function is.

    Attributes:
        verb_noun: its folder under `functions/`.
        deployed_as: its name on AWS.
        settings: an instance of its settings class; its environment is this and nothing else.
        layers: the layers it imports from.
        permissions: what it may do besides writing its log.
        memory_mb: its memory, and with it its share of a processor.
        disk_mb: how much of `/tmp` it has.
        timeout_seconds: when an invocation is given up.
        invoked_asynchronously: whether somebody invokes it without waiting, so that failures need a queue.
    """

    verb_noun: str
    deployed_as: str
    settings: tuple[str, ...]
    layers: Sequence[str]
    permissions: Sequence[Permission] = ()
    memory_mb: int = 512
    disk_mb: int = _DISK_MB
    timeout_seconds: int = 60
    invoked_asynchronously: bool = False


class SerinusFunction(Construct):
    """A function with a role, a log group and, where nobody waits for its answer, a queue for failures of its own."""

    def __init__(self, scope: Construct, construct_id: str, *, blueprint: Blueprint, layers: Layers) -> None:
        super().__init__(scope, construct_id)
        self.layers = layers.of(blueprint.deployed_as, blueprint.layers)
        self.environment = as_environment(blueprint.settings)
        self.log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{blueprint.deployed_as}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = self._role(blueprint.permissions)
        self.failures = (
            FailureQueue(self, "Failures", of=blueprint.deployed_as) if blueprint.invoked_asynchronously else None
        )
        self.function = self._function(blueprint)

    def _role(self, permissions: Sequence[Permission]) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        own_log = Permission(("logs:CreateLogStream", "logs:PutLogEvents"), (self.log_group.log_group_arn,))
        for permission in (own_log, *permissions):
            role.add_to_policy(permission.statement())
        let_wildcards_through(role, permissions)
        return role

    def _function(self, blueprint: Blueprint) -> lambda_.Function:
        function = lambda_.Function(
            self,
            "Function",
            function_name=blueprint.deployed_as,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(FUNCTIONS / blueprint.verb_noun), exclude=list(LEFT_OUT_OF_CODE)),
            handler=HANDLER,
            role=self.role,
            layers=self.layers,
            environment=self.environment,
            memory_size=blueprint.memory_mb,
            ephemeral_storage_size=Size.mebibytes(blueprint.disk_mb) if blueprint.disk_mb != _DISK_MB else None,
            timeout=Duration.seconds(blueprint.timeout_seconds),
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            on_failure=destinations.SqsDestination(self.failures.queue) if self.failures else None,
        )
        acknowledge(
            function,
            {"AwsSolutions-L1": "Python 3.13 is the newest for which every package of the layers has wheels."},
        )
        return function

    @property
    def code(self) -> lambda_.CfnFunction.CodeProperty:
        """Where the code lies once it is deployed."""
        resource = self.function.node.default_child
        if not isinstance(resource, lambda_.CfnFunction) or not isinstance(
            resource.code, lambda_.CfnFunction.CodeProperty
        ):
            raise TypeError("the function is no CloudFormation resource")
        return resource.code
