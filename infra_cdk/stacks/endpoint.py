"""What serves: one endpoint's inference function, its alias, its log, its route and its alarms."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra_cdk import permissions as may
from infra_cdk.constructs.endpoint_alarms import EndpointAlarms
from infra_cdk.constructs.failure_queue import FailureQueue
from infra_cdk.constructs.function import ARCHITECTURE, HANDLER, RUNTIME, Blueprint, SerinusFunction
from infra_cdk.constructs.layers import Layers
from infra_cdk.constructs.live_alias import LiveAlias
from infra_cdk.constructs.prediction_log import PredictionLog
from infra_cdk.constructs.serving_routes import ServingRoutes
from infra_cdk.layers import CORE
from infra_cdk.stacks.control_plane import ControlPlane
from serinus import settings
from serinus.adapters.schemas.infer_settings import infer_settings
from serinus.adapters.schemas.policy import policy_json
from serinus.domain.policy import Policy

_COMPACT_EVERY_MINUTES = 60
_PRUNE_EVERY_MINUTES = 1_440
_FOLLOW_EVERY_MINUTES = 60  # after an event that the parameter store, which does its best, has not sent
_STANDARD_TIER_BYTES = 4_096
_GATEWAY_SECONDS = 30  # how long an HTTP API waits for an answer


class Endpoint(Stack):
    """One endpoint, as its policy declares it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, policy: Policy, control_plane: ControlPlane, layers: Path
    ) -> None:
        super().__init__(scope, construct_id, description=f"Serinus: serves the endpoint {policy.endpoint}")
        self._policy = policy
        name = settings.inference_function_name(policy.endpoint)
        made = Layers(self, "Layers", prefix=name, built=layers)
        infer = self._infer(name, made)
        live = LiveAlias(self, "Live", function=infer.function)
        collect = control_plane.function("collect_predictions")
        PredictionLog(self, "Predictions", log_group=infer.log_group, collector=collect)
        EndpointAlarms(self, "Alarms", policy=policy, function=infer.function, log_group=infer.log_group)
        self._undelivered = FailureQueue(self, "Failures", of=f"{name}-schedules")
        self._schedule("DetectDrift", control_plane.function("detect_drift"), policy.drift.every_minutes)
        estimate = control_plane.function("estimate_performance")
        self._schedule("EstimatePerformance", estimate, policy.performance.every_minutes)
        review = control_plane.function("review_performance")
        self._schedule("ReviewPerformance", review, policy.performance.every_minutes)
        self._schedule("CompactProfiles", control_plane.function("compact_profiles"), _COMPACT_EVERY_MINUTES)
        self._schedule("CompactLabels", control_plane.function("compact_labels"), _COMPACT_EVERY_MINUTES)
        self._schedule("PruneReleases", control_plane.function("prune_releases"), _PRUNE_EVERY_MINUTES)
        self._schedule("FollowDeployment", control_plane.function("follow_deployment"), _FOLLOW_EVERY_MINUTES)
        ServingRoutes(
            self,
            "Routes",
            policy=policy,
            api=control_plane.api.api,
            live=live.alias,
            versions=self._infer_version(control_plane, made).function,
            tokens=control_plane.authorisers,
        )
        CfnOutput(self, "InferUrl", value=f"{control_plane.api.url}/v2/models/{policy.endpoint}/infer")
        self._declare(infer, live)

    def _infer(self, name: str, layers: Layers) -> SerinusFunction:
        serving = self._policy.serving
        blueprint = Blueprint(
            "infer",
            name,
            infer_settings(self._policy),
            (CORE, "inference"),
            memory_mb=serving.memory_mb,
            timeout_seconds=serving.timeout_seconds,
        )
        return SerinusFunction(self, "Infer", blueprint=blueprint, layers=layers)

    def _schedule(self, construct_id: str, function: lambda_.Function, every_minutes: int) -> None:
        """Have a function look at this endpoint every so often; what it cannot be told is kept in a queue."""
        events.Rule(
            self,
            construct_id,
            schedule=events.Schedule.rate(Duration.minutes(every_minutes)),
            targets=[
                targets.LambdaFunction(
                    function,
                    event=events.RuleTargetInput.from_object({"endpoint": self._policy.endpoint}),
                    dead_letter_queue=self._undelivered.queue,
                )
            ],
        )

    def _infer_version(self, control_plane: ControlPlane, layers: Layers) -> SerinusFunction:
        """It may read which releases the endpoint has, and ask these; `infer` itself can call nothing."""
        endpoint, foundation = self._policy.endpoint, control_plane.foundation
        blueprint = Blueprint(
            "infer_version",
            settings.version_function_name(endpoint),
            settings.InferVersionSettings(endpoint=endpoint, table_name=foundation.table.table_name),
            (CORE, "handlers"),
            (
                may.use_encryption_key(foundation),
                may.read_partition(foundation, endpoint),
                may.invoke_versions(self, endpoint),
            ),
            timeout_seconds=_GATEWAY_SECONDS,
        )
        return SerinusFunction(self, "InferVersion", blueprint=blueprint, layers=layers)

    def _declare(self, infer: SerinusFunction, live: LiveAlias) -> None:
        """Keep what the policy says, and what a release is made of besides its model, where rollouts read it.

        All that serves is in the runtime, the policy's part too: a deploy that calls for a release changes it, once.
        """
        endpoint, serving = self._policy.endpoint, self._policy.serving
        policy = policy_json(self._policy)
        too_long = len(policy.encode()) > _STANDARD_TIER_BYTES
        declared = ssm.StringParameter(
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
            "snap_start": serving.snap_start,
            "layers": [layer.layer_version_arn for layer in infer.layers],
            "environment": infer.environment,
        }
        serves = ssm.StringParameter(
            self,
            "Runtime",
            parameter_name=settings.runtime_parameter(endpoint),
            string_value=self.to_json_string(runtime),
        )
        serves.node.add_dependency(declared, infer.function, live)  # its change starts a rollout, which needs these
