"""A state machine whose definition is a readable file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.constructs.failure_queue import FailureQueue
from infra_cdk.constructs.permission import Permission, acknowledge, let_wildcards_through
from serinus.settings import state_machine_name

_DEFINITIONS = Path(__file__).parents[1] / "state_machines"
_PARTS = "Executions, and a map run's parts, have names that are chosen as they start."
_LOG_DELIVERY = (
    "Log delivery and tracing have no resources of their own to name (Step Functions developer guide, "
    "'Logging using CloudWatch Logs' and 'Tracing with X-Ray')."
)


class SerinusStateMachine(Construct):
    """`state_machines/<name>.asl.json`, allowed to invoke its functions and to start the machines it names.

    `${…}` in the file stands for the ARN of the function or machine given under that name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        functions: Mapping[str, lambda_.IFunction],
        machines: Mapping[str, sfn.IStateMachine] | None = None,
        runs_parts: bool = False,
    ) -> None:
        """Make the machine.

        Args:
            scope: the stack.
            construct_id: within the stack.
            name: of the file; the machine is `serinus-<name>`.
            functions: by placeholder.
            machines: by placeholder.
            runs_parts: whether it has a distributed map, whose parts are executions of its own.
        """
        super().__init__(scope, construct_id)
        self._name = state_machine_name(name)
        started = {key: machine.state_machine_arn for key, machine in (machines or {}).items()}
        invoked = {key: function.function_arn for key, function in functions.items()}
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=self._name,
            definition_body=sfn.DefinitionBody.from_string(
                (_DEFINITIONS / f"{name}.asl.json").read_text(encoding="utf-8")
            ),
            definition_substitutions={**invoked, **started},
            role=self._role(list(invoked.values()), list(started.values()), runs_parts=runs_parts),
            logs=sfn.LogOptions(destination=self._log_group(), level=sfn.LogLevel.ALL),
            tracing_enabled=True,
        )
        self._alarm()

    def started_by(
        self, construct_id: str, *, bus: events.IEventBus | None, pattern: events.EventPattern, told: str
    ) -> None:
        """Start the machine on every event that matches, with what the event says at the path `told` as input."""
        failures = FailureQueue(self, f"{construct_id}Failures", of=f"{self._name}-start")
        events.Rule(
            self,
            construct_id,
            event_bus=bus,
            event_pattern=pattern,
            targets=[
                targets.SfnStateMachine(
                    self.machine,
                    input=events.RuleTargetInput.from_event_path(told),
                    dead_letter_queue=failures.queue,
                )
            ],
        )

    def watched_by(self, construct_id: str, *, target: events.IRuleTarget) -> None:
        """Tell the target of every execution that ends in any other way than by succeeding."""
        events.Rule(
            self,
            construct_id,
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [self.machine.state_machine_arn],
                },
            ),
            targets=[target],
        )

    def _role(self, functions: list[str], machines: list[str], *, runs_parts: bool) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        role.add_to_policy(Permission(("lambda:InvokeFunction",), functions).statement())
        if machines:
            role.add_to_policy(Permission(("states:StartExecution",), machines).statement())
        if runs_parts:
            own = self._own_executions()
            for permission in own:
                role.add_to_policy(permission.statement())
            let_wildcards_through(role, own)
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": _LOG_DELIVERY})
        return role

    def _own_executions(self) -> tuple[Permission, ...]:
        """Return what a distributed map takes, by the machine's name, as the machine itself needs the role first."""

        def arn(kind: str, name: str) -> str:
            return Stack.of(self).format_arn(
                service="states", resource=kind, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )

        executions = [arn("execution", f"{self._name}:*"), arn("execution", f"{self._name}/*")]  # the latter: parts
        return (
            Permission(("states:StartExecution",), (arn("stateMachine", self._name),)),
            Permission(("states:DescribeExecution", "states:StopExecution"), executions, _PARTS),
        )

    def _log_group(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{self._name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _alarm(self) -> None:
        self.machine.metric_failed().create_alarm(
            self,
            "Failed",
            alarm_name=f"{self._name}-failed",
            alarm_description=f"An execution of {self._name} failed.",
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
