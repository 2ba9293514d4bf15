"""What serves: one endpoint's inference function, its alias, its log, its route and its alarms."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra_cdk.constructs.endpoint_alarms import EndpointAlarms
from infra_cdk.constructs.failure_queue import FailureQueue
from infra_cdk.constructs.function import ARCHITECTURE, HANDLER, RUNTIME, Blueprint, SerinusFunction
from infra_cdk.constructs.layers import Layers
from infra_cdk.constructs.live_alias import LiveAlias
from infra_cdk.constructs.permission import acknowledge
from infra_cdk.constructs.prediction_log import PredictionLog
from infra_cdk.layers import CORE
from infra_cdk.stacks.control_plane import ControlPlane
from serinus import settings
from serinus.adapters.schemas.policy import policy_json
from serinus.domain.policy import Authorisation, Policy

_STANDARD_TIER_BYTES = 4_096


class Endpoint(Stack):
    """One endpoint, as its policy declares it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, policy: Policy, control_plane: ControlPlane, layers: Path
    ) -> None:
        super().__init__(scope, construct_id, description=f"Serinus: serves the endpoint {policy.endpoint}")
        self._policy = policy
        name = settings.inference_function_name(policy.endpoint)
        infer = self._infer(name, Layers(self, "Layers", prefix=name, built=layers))
        live = LiveAlias(self, "Live", function=infer.function)
        collect = control_plane.function("collect_predictions")
        PredictionLog(self, "Predictions", log_group=infer.log_group, collector=collect)
        EndpointAlarms(self, "Alarms", endpoint=policy.endpoint, function=infer.function, log_group=infer.log_group)
        self._detect_drift(control_plane.function("detect_drift"))
        self._route(control_plane, live.alias)
        self._declare(infer)

    def _infer(self, name: str, layers: Layers) -> SerinusFunction:
        serving = self._policy.serving
        blueprint = Blueprint(
            "infer",
            name,
            settings.InferSettings(endpoint=self._policy.endpoint, log_inputs=serving.log_inputs.value),
            (CORE, "inference"),
            memory_mb=serving.memory_mb,
            timeout_seconds=serving.timeout_seconds,
        )
        return SerinusFunction(self, "Infer", blueprint=blueprint, layers=layers)

    def _detect_drift(self, detect_drift: lambda_.Function) -> None:
        name = settings.inference_function_name(self._policy.endpoint)
        events.Rule(
            self,
            "DetectDrift",
            schedule=events.Schedule.rate(Duration.minutes(self._policy.drift.every_minutes)),
            targets=[
                targets.LambdaFunction(
                    detect_drift,
                    event=events.RuleTargetInput.from_object({"endpoint": self._policy.endpoint}),
                    dead_letter_queue=FailureQueue(self, "Failures", of=f"{name}-drift").queue,
                )
            ],
        )

    def _route(self, control_plane: ControlPlane, live: lambda_.IFunction) -> None:
        path = f"/v2/models/{self._policy.endpoint}/infer"
        is_open = self._policy.serving.authorisation is Authorisation.OPEN
        route = apigateway.HttpRoute(
            self,
            "Route",
            http_api=control_plane.api.api,
            route_key=apigateway.HttpRouteKey.with_(path, apigateway.HttpMethod.POST),
            integration=integrations.HttpLambdaIntegration("Live", live),
            authorizer=apigateway.HttpNoneAuthorizer() if is_open else authorizers.HttpIamAuthorizer(),
        )
        if is_open:
            acknowledge(route, {"AwsSolutions-APIG4": "The endpoint's policy says that anybody may ask."})
        CfnOutput(self, "InferUrl", value=f"{control_plane.api.url}{path}")

    def _declare(self, infer: SerinusFunction) -> None:
        """Keep what the policy says, and what a release is made of besides its model, where rollouts read it."""
        endpoint, serving = self._policy.endpoint, self._policy.serving
        policy = policy_json(self._policy)
        too_long = len(policy.encode()) > _STANDARD_TIER_BYTES
        ssm.StringParameter(
            self,
            "Policy",
            parameter_name=settings.policy_parameter(endpoint),
            string_value=policy,
            tier=ssm.ParameterTier.ADVANCED if too_long else ssm.ParameterTier.STANDARD,
        )
        runtime = {
            "code_bucket": infer.code.s3_bucket,
            "code_key": infer.code.s3_key,
            "handler": HANDLER,
            "runtime": RUNTIME.name,
            "architecture": ARCHITECTURE.name,
            "memory_mb": serving.memory_mb,
            "timeout_seconds": serving.timeout_seconds,
            "layers": [layer.layer_version_arn for layer in infer.layers],
            "environment": infer.environment,
        }
        ssm.StringParameter(
            self,
            "Runtime",
            parameter_name=settings.runtime_parameter(endpoint),
            string_value=self.to_json_string(runtime),
        )
