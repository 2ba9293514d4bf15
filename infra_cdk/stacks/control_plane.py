"""What decides: every function but `infer`, the state machines, the rules that start them, and the HTTP API."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra_cdk.constructs.control_routes import ControlRoutes
from infra_cdk.constructs.dashboard import Dashboard
from infra_cdk.constructs.endpoint_dashboard import EndpointDashboard
from infra_cdk.constructs.function import Blueprint, SerinusFunction
from infra_cdk.constructs.http_api import SerinusApi
from infra_cdk.constructs.layers import Layers
from infra_cdk.constructs.server_routes import ServerRoutes
from infra_cdk.constructs.state_machine import SerinusStateMachine
from infra_cdk.constructs.token_authorisers import TokenAuthorisers
from infra_cdk.functions import control_plane, requests
from infra_cdk.stacks.foundation import Foundation
from serinus.settings import ALARM_PREFIX, CLIENT_PARAMETER, EVENT_SOURCE, ClientSettings, runtime_parameter


class ControlPlane(Stack):
    """The stateless part that all endpoints share."""

    def __init__(self, scope: Construct, construct_id: str, *, foundation: Foundation, layers: Path) -> None:
        super().__init__(scope, construct_id, description="Serinus: what registers, validates, rolls out and watches")
        self.foundation = foundation
        self._layers = Layers(self, "Layers", prefix="serinus", built=layers)
        self._functions = {
            blueprint.verb_noun: self._deploy(blueprint) for blueprint in control_plane(foundation, self)
        }
        self.api = SerinusApi(self, "Api")
        for blueprint in requests.keepers_of_tokens(foundation, self, self.api.api.api_id):
            self._functions[blueprint.verb_noun] = self._deploy(blueprint)
        ControlRoutes(self, "ControlRoutes", api=self.api.api, function=self.function)
        ServerRoutes(self, "ServerRoutes", api=self.api.api, server=self.function("describe_server"))
        self.authorisers = TokenAuthorisers(
            self, "TokenAuthorisers", api=self.api.api, function=self.function("authorise_caller")
        )
        machines = self._machines()
        self._roll_back_on_alarm()
        self._follow_deployments()
        Dashboard(self, "Dashboard", functions=list(self._functions.values()), machines=machines)
        EndpointDashboard(self, "EndpointDashboard")
        self._tell_clients()

    def function(self, verb_noun: str) -> lambda_.Function:
        """Return a function by the name of its folder."""
        return self._functions[verb_noun].function

    def _deploy(self, blueprint: Blueprint) -> SerinusFunction:
        construct_id = "".join(word.capitalize() for word in blueprint.verb_noun.split("_"))
        return SerinusFunction(self, construct_id, blueprint=blueprint, layers=self._layers)

    def _machine(
        self,
        name: str,
        *verb_nouns: str,
        starts: dict[str, SerinusStateMachine] | None = None,
        runs_parts: bool = False,
    ) -> SerinusStateMachine:
        """Make a state machine; its definition names a function by its folder in CamelCase."""
        invoked = {verb_noun.title().replace("_", ""): self.function(verb_noun) for verb_noun in verb_nouns}
        started = {key: machine.machine for key, machine in (starts or {}).items()}
        return SerinusStateMachine(
            self, name.capitalize(), name=name, functions=invoked, machines=started, runs_parts=runs_parts
        )

    def _machines(self) -> list[SerinusStateMachine]:
        rollout = self._machine(
            "rollout", "start_rollout", "publish_release", "shadow_candidate", "advance_rollout", "roll_back"
        )
        ended = {
            "execution": events.EventField.from_path("$.detail.executionArn"),
            "cause": events.EventField.from_path("$.detail.status"),
        }
        rollout.watched_by("OnEarlyEnd", target=self._called("roll_back", ended))
        release = self._machine(
            "release",
            "register_model",
            "validate_data",
            "validate_model",
            "reject_upload",
            starts={"RolloutMachine": rollout},
        )
        release.started_by(
            "OnUpload",
            bus=None,
            pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [self.foundation.artifacts.bucket_name]},
                    "object": {"key": [{"wildcard": "incoming/*/*/manifest.json"}]},
                },
            ),
            told="$.detail",
        )
        retraining = self._machine("retraining", "snapshot_data", "validate_data", "train_model")
        retraining.started_by(
            "OnDrift",
            bus=self.foundation.bus,
            pattern=events.EventPattern(
                source=[EVENT_SOURCE], detail_type=["DriftDetected"], detail={"data": {"retrain": [True]}}
            ),
            told="$.detail.data",
        )
        batch = self._machine("batch", "plan_batch", "predict_batch", "conclude_batch", runs_parts=True)
        return [release, rollout, retraining, batch]

    def _roll_back_on_alarm(self) -> None:
        alarm = {
            "alarm_name": events.EventField.from_path("$.detail.alarmName"),
            "reason": events.EventField.from_path("$.detail.state.reason"),
        }
        events.Rule(
            self,
            "OnRolloutAlarm",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                detail={"alarmName": [{"prefix": f"{ALARM_PREFIX}/"}], "state": {"value": ["ALARM"]}},
            ),
            targets=[self._called("roll_back", alarm)],
        )

    def _follow_deployments(self) -> None:
        """A deploy that changes what serves writes the endpoint's runtime, which the parameter store announces."""
        events.Rule(
            self,
            "OnDeployment",
            event_pattern=events.EventPattern(
                source=["aws.ssm"],
                detail_type=["Parameter Store Change"],
                detail={"name": [{"wildcard": runtime_parameter("*")}], "operation": ["Create", "Update"]},
            ),
            targets=[self._called("follow_deployment", {"parameter": events.EventField.from_path("$.detail.name")})],
        )

    def _called(self, verb_noun: str, payload: dict[str, str]) -> targets.LambdaFunction:
        """Return a function as a rule's target, called with the payload."""
        called = self._functions[verb_noun]
        return targets.LambdaFunction(
            called.function,
            event=events.RuleTargetInput.from_object(payload),
            dead_letter_queue=called.failures.queue if called.failures else None,
        )

    def _tell_clients(self) -> None:
        """Put every name that a client needs where one call finds them, and print them after a deploy."""
        names = ClientSettings(
            table_name=self.foundation.table.table_name,
            artifacts_bucket=self.foundation.artifacts.bucket_name,
            data_bucket=self.foundation.data.bucket_name,
            ledger_bucket=self.foundation.ledger.bucket_name,
            event_bus_name=self.foundation.bus.event_bus_name,
            api_url=self.api.url,
        )._asdict()
        ssm.StringParameter(self, "Client", parameter_name=CLIENT_PARAMETER, string_value=self.to_json_string(names))
        for name, value in names.items():
            CfnOutput(self, name.title().replace("_", ""), value=value)
