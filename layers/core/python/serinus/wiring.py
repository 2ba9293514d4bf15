"""Chooses who provides each port. The only module that knows both the use cases and the adapters.

Adapters are imported where they are chosen: a function then loads only what it uses, and the inference function,
which is wired here too, loads no AWS SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from serinus import settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

    from serinus.adapters.aws.clients import Clients
    from serinus.adapters.aws.control_api import ControlApiClient
    from serinus.adapters.aws.deployments import SsmDeployments
    from serinus.adapters.aws.events import EventBridgeEvents
    from serinus.adapters.aws.metrics import EmbeddedMetrics
    from serinus.adapters.aws.objects import S3Objects
    from serinus.adapters.aws.policies import SsmPolicies
    from serinus.adapters.aws.signer import KmsSigner
    from serinus.adapters.aws.traffic import LambdaTraffic
    from serinus.adapters.stored.batches import StoredBatches
    from serinus.adapters.stored.labels import StoredLabels
    from serinus.adapters.stored.ledger import StoredLedger
    from serinus.adapters.stored.model_versions import StoredModelVersions
    from serinus.adapters.stored.profile_parts import StoredProfileParts
    from serinus.adapters.stored.records import StoredRecords
    from serinus.adapters.stored.references import StoredReferences
    from serinus.adapters.stored.rollouts import StoredRollouts
    from serinus.adapters.stored.snapshots import StoredSnapshots
    from serinus.adapters.stored.tokens import StoredTokens
    from serinus.adapters.tables.arrow import ArrowTables
    from serinus.use_cases.advance_rollout import Advancing
    from serinus.use_cases.authorise_caller import Authorising
    from serinus.use_cases.choose_plan import Choosing
    from serinus.use_cases.collect_predictions import Collecting
    from serinus.use_cases.compact_labels import CompactingLabels
    from serinus.use_cases.compact_profiles import Compacting
    from serinus.use_cases.conclude_batch import Concluding
    from serinus.use_cases.describe_endpoint import Describing
    from serinus.use_cases.detect_drift import Watching
    from serinus.use_cases.estimate_performance import Estimating
    from serinus.use_cases.find_rollout import Looking
    from serinus.use_cases.follow_deployment import Following
    from serinus.use_cases.infer_version import Asking
    from serinus.use_cases.keep_tokens import Keeping
    from serinus.use_cases.live_window import Reading
    from serinus.use_cases.measure_performance import Measuring
    from serinus.use_cases.plan_batch import Planning
    from serinus.use_cases.predict_batch import Predicting
    from serinus.use_cases.prune_releases import Pruning
    from serinus.use_cases.publish_release import Publishing
    from serinus.use_cases.record_labels import Recording
    from serinus.use_cases.register_model import Registry
    from serinus.use_cases.reject_upload import Rejecting
    from serinus.use_cases.request_roll_back import Returning
    from serinus.use_cases.request_rollout import Requesting
    from serinus.use_cases.review_performance import Reviewing
    from serinus.use_cases.shadow_candidate import Shadowing
    from serinus.use_cases.shift_traffic import Conducting
    from serinus.use_cases.snapshot_data import Snapshotting
    from serinus.use_cases.start_rollout import Starting
    from serinus.use_cases.steer_rollout import Guiding
    from serinus.use_cases.train_model import Training
    from serinus.use_cases.validate_data import Screening
    from serinus.use_cases.validate_model import Validation


def registry(told: settings.RegisterModelSettings) -> Registry:
    """Wire `register_model`."""
    from serinus.adapters.schemas.manifest import read_manifest
    from serinus.use_cases.register_model import Registry

    return Registry(
        artifacts=_bucket(told.artifacts_bucket),
        policies=_policies(),
        versions=_versions(told.table_name),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        read_manifest=read_manifest,
        clock=_now,
    )


def screening(told: settings.ValidateDataSettings) -> Screening:
    """Wire `validate_data`."""
    from serinus.adapters.tables.scan import ArrowScanner
    from serinus.use_cases.validate_data import Screening

    return Screening(
        artifacts=_bucket(told.artifacts_bucket),
        versions=_versions(told.table_name),
        snapshots=_snapshots(told.data_bucket),
        reading=_reading(told.table_name, told.artifacts_bucket, told.data_bucket),
        scanner=ArrowScanner(),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        clock=_now,
    )


def validation(told: settings.ValidateModelSettings) -> Validation:
    """Wire `validate_model`."""
    from serinus.adapters.onnx.encoding import cheaper_encoding
    from serinus.adapters.onnx.footprint import footprint_apart
    from serinus.adapters.onnx.models import OnnxModels
    from serinus.use_cases.compare_with_stable import Contending
    from serinus.use_cases.validate_model import Validation

    artifacts, versions, models = _bucket(told.artifacts_bucket), _versions(told.table_name), OnnxModels()
    return Validation(
        artifacts=artifacts,
        policies=_policies(),
        versions=versions,
        references=_references(told.artifacts_bucket),
        models=models,
        tables=_tables(),
        signer=_signer(told.signing_key_id),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        clock=_now,
        contending=Contending(artifacts, versions, _rollouts(told.table_name), _traffic(), models, _tables()),
        choose_encoding=cheaper_encoding,
        measure_footprint=footprint_apart,
    )


def rejecting(told: settings.RejectUploadSettings) -> Rejecting:
    """Wire `reject_upload`."""
    from serinus.use_cases.reject_upload import Rejecting

    return Rejecting(
        policies=_policies(),
        versions=_versions(told.table_name),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        clock=_now,
    )


def starting(told: settings.StartRolloutSettings) -> Starting:
    """Wire `start_rollout`."""
    from serinus.use_cases.choose_plan import Choosing
    from serinus.use_cases.start_rollout import Starting

    return Starting(
        policies=_policies(),
        versions=_versions(told.table_name),
        rollouts=_rollouts(told.table_name),
        traffic=_traffic(),
        choosing=Choosing(_references(told.artifacts_bucket), _parts(told.data_bucket)),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        clock=_now,
        deployments=_deployments(),
    )


def following(told: settings.FollowDeploymentSettings) -> Following:
    """Wire `follow_deployment`."""
    from serinus.adapters.aws.executions import StepFunctionsExecutions
    from serinus.use_cases.follow_deployment import Following

    return Following(
        deployments=_deployments(),
        rollouts=_rollouts(told.table_name),
        traffic=_traffic(),
        executions=StepFunctionsExecutions(_clients().state_machines, told.rollout_machine_arn),
    )


def publishing(told: settings.PublishReleaseSettings) -> Publishing:
    """Wire `publish_release`."""
    from serinus.adapters.aws.releases import LambdaReleases
    from serinus.use_cases.publish_release import Publishing

    artifacts = _bucket(told.artifacts_bucket)
    return Publishing(
        artifacts=artifacts,
        versions=_versions(told.table_name),
        references=_references(told.artifacts_bucket),
        releases=LambdaReleases(_clients().functions, artifacts),
        signer=_signer(told.signing_key_id),
        conducting=_conducting(told.table_name, told.ledger_bucket, told.event_bus_name),
    )


def shadowing(told: settings.ShadowCandidateSettings) -> Shadowing:
    """Wire `shadow_candidate`."""
    from serinus.adapters.aws.invocations import LambdaInvocations
    from serinus.use_cases.shadow_candidate import Shadowing

    return Shadowing(
        versions=_versions(told.table_name),
        references=_references(told.artifacts_bucket),
        records=_records(told.data_bucket),
        parts=_parts(told.data_bucket),
        invocations=LambdaInvocations(_clients().functions),
        conducting=_conducting(told.table_name, told.ledger_bucket, told.event_bus_name),
    )


def advancing(told: settings.AdvanceRolloutSettings) -> Advancing:
    """Wire `advance_rollout`."""
    from serinus.use_cases.advance_rollout import Advancing
    from serinus.use_cases.compare_labels import Comparing
    from serinus.use_cases.weigh_ticks import Weighing

    return Advancing(
        weighing=Weighing(
            rollouts=_rollouts(told.table_name),
            references=_references(told.artifacts_bucket),
            parts=_parts(told.data_bucket),
            comparing=Comparing(_labels(told.data_bucket)),
        ),
        conducting=_conducting(told.table_name, told.ledger_bucket, told.event_bus_name),
    )


def rolling_back(told: settings.RollBackSettings) -> Conducting:
    """Wire `roll_back`."""
    return _conducting(told.table_name, told.ledger_bucket, told.event_bus_name)


def requesting(told: settings.RequestRolloutSettings) -> Requesting:
    """Wire `request_rollout`."""
    from serinus.adapters.aws.executions import StepFunctionsExecutions
    from serinus.use_cases.request_rollout import Requesting

    return Requesting(
        policies=_policies(),
        versions=_versions(told.table_name),
        rollouts=_rollouts(told.table_name),
        traffic=_traffic(),
        executions=StepFunctionsExecutions(_clients().state_machines, told.rollout_machine_arn),
        deployments=_deployments(),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        clock=_now,
    )


def looking(told: settings.ListRolloutsSettings | settings.DescribeRolloutSettings) -> Looking:
    """Wire `list_rollouts` and `describe_rollout`."""
    from serinus.use_cases.find_rollout import Looking

    return Looking(_policies(), _rollouts(told.table_name))


def guiding(told: settings.SteerRolloutSettings) -> Guiding:
    """Wire `steer_rollout`."""
    from serinus.adapters.aws.alarms import CloudWatchAlarms
    from serinus.use_cases.steer_rollout import Guiding

    return Guiding(
        policies=_policies(),
        rollouts=_rollouts(told.table_name),
        alarms=CloudWatchAlarms(_clients().cloudwatch),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        clock=_now,
    )


def returning(told: settings.RequestRollBackSettings) -> Returning:
    """Wire `request_roll_back`."""
    from serinus.adapters.aws.roll_backs import LambdaRollBacks
    from serinus.use_cases.request_roll_back import Returning

    return Returning(_policies(), _rollouts(told.table_name), LambdaRollBacks(_clients().functions))


def recording(told: settings.RecordLabelsSettings) -> Recording:
    """Wire `record_labels`."""
    from serinus.use_cases.record_labels import Recording

    return Recording(_policies(), _labels(told.data_bucket))


def asking(told: settings.InferVersionSettings) -> Asking:
    """Wire `infer_version`."""
    from serinus.adapters.aws.invocations import LambdaInvocations
    from serinus.use_cases.infer_version import Asking

    return Asking(_rollouts(told.table_name), LambdaInvocations(_clients().functions))


def authorising(told: settings.AuthoriseCallerSettings) -> Authorising:
    """Wire `authorise_caller`."""
    from serinus.adapters.aws.calls import DynamoCalls
    from serinus.use_cases.authorise_caller import Authorising

    return Authorising(_tokens(told.table_name), DynamoCalls(_clients().dynamodb, told.table_name), _now)


def keeping(told: settings.MakeTokenSettings) -> Keeping:
    """Wire `make_token`, `rotate_token` and `revoke_token`."""
    import secrets

    from serinus.adapters.aws.decisions import GatewayDecisions
    from serinus.use_cases.keep_tokens import Keeping

    return Keeping(
        policies=_policies(),
        tokens=_tokens(told.table_name),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        decisions=GatewayDecisions(_clients().apis, told.api_id),
        clock=_now,
        random=secrets.token_bytes,
    )


def collecting(told: settings.CollectPredictionsSettings) -> Collecting:
    """Wire `collect_predictions`."""
    from serinus.use_cases.collect_predictions import Collecting

    return Collecting(
        rollouts=_rollouts(told.table_name),
        references=_references(told.artifacts_bucket),
        records=_records(told.data_bucket),
        parts=_parts(told.data_bucket),
    )


def compacting(told: settings.CompactProfilesSettings) -> Compacting:
    """Wire `compact_profiles`."""
    from serinus.use_cases.compact_profiles import Compacting

    return Compacting(policies=_policies(), parts=_parts(told.data_bucket), clock=_now)


def compacting_labels(told: settings.CompactLabelsSettings) -> CompactingLabels:
    """Wire `compact_labels`."""
    from serinus.use_cases.compact_labels import CompactingLabels

    return CompactingLabels(policies=_policies(), labels=_labels(told.data_bucket), clock=_now)


def pruning(told: settings.PruneReleasesSettings) -> Pruning:
    """Wire `prune_releases`."""
    from serinus.adapters.aws.releases import LambdaReleases
    from serinus.use_cases.prune_releases import Pruning

    return Pruning(
        policies=_policies(),
        rollouts=_rollouts(told.table_name),
        traffic=_traffic(),
        releases=LambdaReleases(_clients().functions, _bucket(told.artifacts_bucket)),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        clock=_now,
    )


def watching(told: settings.DetectDriftSettings) -> Watching:
    """Wire `detect_drift`."""
    from serinus.use_cases.detect_drift import Watching

    return Watching(
        reading=_reading(told.table_name, told.artifacts_bucket, told.data_bucket),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        metrics=_metrics(),
        clock=_now,
    )


def estimating(told: settings.EstimatePerformanceSettings) -> Estimating:
    """Wire `estimate_performance`."""
    from serinus.use_cases.estimate_performance import Estimating

    return Estimating(
        reading=_reading(told.table_name, told.artifacts_bucket, told.data_bucket),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        metrics=_metrics(),
        clock=_now,
    )


def reviewing(told: settings.ReviewPerformanceSettings) -> Reviewing:
    """Wire `review_performance`."""
    from serinus.use_cases.review_performance import Reviewing

    return Reviewing(
        reading=_reading(told.table_name, told.artifacts_bucket, told.data_bucket),
        measuring=_measuring(told.table_name, told.artifacts_bucket, told.data_bucket),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        metrics=_metrics(),
        clock=_now,
    )


def snapshotting(told: settings.SnapshotDataSettings) -> Snapshotting:
    """Wire `snapshot_data`."""
    from serinus.use_cases.snapshot_data import Snapshotting

    return Snapshotting(
        policies=_policies(),
        rollouts=_rollouts(told.table_name),
        labels=_labels(told.data_bucket),
        snapshots=_snapshots(told.data_bucket),
        ledger=_ledger(told.table_name, told.ledger_bucket),
        events=_events(told.event_bus_name),
        clock=_now,
    )


def training(told: settings.TrainModelSettings) -> Training:
    """Wire `train_model`."""
    from serinus.adapters.schemas.manifest import write_manifest
    from serinus.adapters.training.recipes import SklearnTrainer
    from serinus.use_cases.train_model import Training

    return Training(
        policies=_policies(),
        snapshots=_snapshots(told.data_bucket),
        trainer=SklearnTrainer(),
        tables=_tables(),
        artifacts=_bucket(told.artifacts_bucket),
        write_manifest=write_manifest,
    )


def planning(told: settings.PlanBatchSettings) -> Planning:
    """Wire `plan_batch`."""
    from serinus.use_cases.plan_batch import Planning

    return Planning(
        policies=_policies(),
        versions=_versions(told.table_name),
        rollouts=_rollouts(told.table_name),
        traffic=_traffic(),
        data=_bucket(told.data_bucket),
        batches=_batches(told.data_bucket),
    )


def predicting(told: settings.PredictBatchSettings) -> Predicting:
    """Wire `predict_batch`."""
    from serinus.adapters.onnx.predictor import TablePredictor
    from serinus.use_cases.predict_batch import Predicting

    return Predicting(
        artifacts=_bucket(told.artifacts_bucket),
        data=_bucket(told.data_bucket),
        versions=_versions(told.table_name),
        references=_references(told.artifacts_bucket),
        tables=_tables(),
        batches=_batches(told.data_bucket),
        load=TablePredictor,
    )


def concluding(told: settings.ConcludeBatchSettings) -> Concluding:
    """Wire `conclude_batch`."""
    from serinus.use_cases.conclude_batch import Concluding

    return Concluding(batches=_batches(told.data_bucket), references=_references(told.artifacts_bucket))


@dataclass(frozen=True)
class Client:
    """What the command line works with: the deployment that the caller's AWS configuration points at."""

    resources: settings.ClientSettings
    policies: SsmPolicies
    versions: StoredModelVersions
    rollouts: StoredRollouts
    ledger: StoredLedger
    describing: Describing
    choosing: Choosing
    measuring: Measuring
    reading: Reading
    tokens: StoredTokens
    artifacts: S3Objects
    data: S3Objects
    uploads: S3Client
    functions: LambdaClient
    control: ControlApiClient


def client() -> Client:
    """Wire the command line.

    Raises:
        NothingDeployed: the account and region hold no Serinus.
    """
    from serinus.adapters.aws.client_parameter import read_client_settings
    from serinus.adapters.aws.control_api import ControlApiClient
    from serinus.adapters.aws.signed_calls import SignedCalls
    from serinus.use_cases.choose_plan import Choosing
    from serinus.use_cases.describe_endpoint import Describing

    told = read_client_settings(_clients().ssm)
    policies, versions, rollouts = _policies(), _versions(told.table_name), _rollouts(told.table_name)
    return Client(
        resources=told,
        policies=policies,
        versions=versions,
        rollouts=rollouts,
        ledger=_ledger(told.table_name, told.ledger_bucket),
        describing=Describing(policies, versions, rollouts, _traffic()),
        choosing=Choosing(_references(told.artifacts_bucket), _parts(told.data_bucket)),
        measuring=_measuring(told.table_name, told.artifacts_bucket, told.data_bucket),
        reading=_reading(told.table_name, told.artifacts_bucket, told.data_bucket),
        tokens=_tokens(told.table_name),
        artifacts=_bucket(told.artifacts_bucket),
        data=_bucket(told.data_bucket),
        uploads=_clients().s3,
        functions=_clients().functions,
        control=ControlApiClient(SignedCalls(told.api_url)),
    )


def _reading(table: str, artifacts_bucket: str, data_bucket: str) -> Reading:
    from serinus.use_cases.live_window import Reading

    return Reading(
        policies=_policies(),
        rollouts=_rollouts(table),
        traffic=_traffic(),
        references=_references(artifacts_bucket),
        parts=_parts(data_bucket),
    )


def _measuring(table: str, artifacts_bucket: str, data_bucket: str) -> Measuring:
    from serinus.use_cases.measure_performance import Measuring

    return Measuring(
        policies=_policies(),
        rollouts=_rollouts(table),
        references=_references(artifacts_bucket),
        parts=_parts(data_bucket),
        labels=_labels(data_bucket),
    )


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def _clients() -> Clients:
    from serinus.adapters.aws.clients import Clients

    return Clients()


def _bucket(name: str) -> S3Objects:
    from serinus.adapters.aws.objects import S3Objects

    return S3Objects(_clients().s3, name)


def _policies() -> SsmPolicies:
    from serinus.adapters.aws.policies import SsmPolicies

    return SsmPolicies(_clients().ssm)


def _deployments() -> SsmDeployments:
    from serinus.adapters.aws.deployments import SsmDeployments

    return SsmDeployments(_clients().ssm)


def _versions(table: str) -> StoredModelVersions:
    from serinus.adapters.aws.documents import DynamoDocuments
    from serinus.adapters.stored.model_versions import StoredModelVersions

    return StoredModelVersions(DynamoDocuments(_clients().dynamodb, table))


def _rollouts(table: str) -> StoredRollouts:
    from serinus.adapters.aws.documents import DynamoDocuments
    from serinus.adapters.stored.rollouts import StoredRollouts

    return StoredRollouts(DynamoDocuments(_clients().dynamodb, table))


def _tokens(table: str) -> StoredTokens:
    from serinus.adapters.aws.documents import DynamoDocuments
    from serinus.adapters.stored.tokens import StoredTokens

    return StoredTokens(DynamoDocuments(_clients().dynamodb, table))


def _ledger(table: str, bucket: str) -> StoredLedger:
    from serinus.adapters.aws.documents import DynamoDocuments
    from serinus.adapters.stored.ledger import StoredLedger

    return StoredLedger(DynamoDocuments(_clients().dynamodb, table), _bucket(bucket))


def _references(bucket: str) -> StoredReferences:
    from serinus.adapters.stored.references import StoredReferences

    return StoredReferences(_bucket(bucket))


def _parts(bucket: str) -> StoredProfileParts:
    from serinus.adapters.stored.profile_parts import StoredProfileParts

    return StoredProfileParts(_bucket(bucket))


def _records(bucket: str) -> StoredRecords:
    from serinus.adapters.stored.records import StoredRecords

    return StoredRecords(_bucket(bucket))


def _labels(bucket: str) -> StoredLabels:
    from serinus.adapters.stored.labels import StoredLabels

    return StoredLabels(_bucket(bucket))


def _batches(bucket: str) -> StoredBatches:
    from serinus.adapters.stored.batches import StoredBatches

    return StoredBatches(_bucket(bucket), _tables())


def _snapshots(bucket: str) -> StoredSnapshots:
    from serinus.adapters.stored.snapshots import StoredSnapshots

    return StoredSnapshots(_bucket(bucket), _tables())


def _tables() -> ArrowTables:
    from serinus.adapters.tables.arrow import ArrowTables

    return ArrowTables()


def _traffic() -> LambdaTraffic:
    from serinus.adapters.aws.traffic import LambdaTraffic

    return LambdaTraffic(_clients().functions)


def _signer(key: str) -> KmsSigner:
    from serinus.adapters.aws.signer import KmsSigner

    return KmsSigner(_clients().kms, key)


def _events(bus: str) -> EventBridgeEvents:
    from serinus.adapters.aws.events import EventBridgeEvents

    return EventBridgeEvents(_clients().events, bus)


def _metrics() -> EmbeddedMetrics:
    from serinus.adapters.aws.metrics import EmbeddedMetrics

    return EmbeddedMetrics()


def _conducting(table: str, ledger_bucket: str, bus: str) -> Conducting:
    from serinus.adapters.aws.alarms import CloudWatchAlarms
    from serinus.use_cases.shift_traffic import Conducting

    return Conducting(
        rollouts=_rollouts(table),
        traffic=_traffic(),
        alarms=CloudWatchAlarms(_clients().cloudwatch),
        ledger=_ledger(table, ledger_bucket),
        events=_events(bus),
        clock=_now,
    )
