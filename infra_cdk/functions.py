"""What every control-plane function is: its settings, its layers, what it may do (`infer` is its endpoint's)."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import Stack

from infra_cdk import permissions as may
from infra_cdk.constructs.function import Blueprint
from infra_cdk.constructs.permission import Permission
from infra_cdk.layers import CORE
from infra_cdk.stacks.foundation import Foundation
from serinus import settings

_Settings = TypeVar("_Settings", bound=tuple[str, ...])
_HANDLERS = (CORE, "handlers")
_GATEWAY_WAITS_SECONDS = 29


def control_plane(foundation: Foundation, stack: Stack) -> tuple[Blueprint, ...]:
    """Return every control-plane function, in the order of a model's life."""
    return (
        _register_model(foundation, stack),
        _validate_model(foundation, stack),
        _follow_deployment(foundation, stack),
        _start_rollout(foundation, stack),
        _publish_release(foundation, stack),
        _shadow_candidate(foundation, stack),
        _advance_rollout(foundation, stack),
        _roll_back(foundation, stack),
        _collect_predictions(foundation),
        _compact_profiles(foundation, stack),
        _prune_releases(foundation, stack),
        _detect_drift(foundation, stack),
        _estimate_performance(foundation, stack),
        _snapshot_data(foundation, stack),
        _train_model(foundation, stack),
        _plan_batch(foundation, stack),
        _predict_batch(foundation),
        _conclude_batch(foundation),
        _describe_server(),
        _authorise_caller(foundation),
        _request_rollout(foundation, stack),
        _list_rollouts(foundation, stack),
        _describe_rollout(foundation, stack),
        _steer_rollout(foundation, stack),
        _request_roll_back(foundation, stack),
        _record_labels(foundation, stack),
    )


def _register_model(foundation: Foundation, stack: Stack) -> Blueprint:
    """It copies an upload's objects to where models stay."""
    return Blueprint(
        "register_model",
        settings.function_name("register_model"),
        _settings(settings.RegisterModelSettings, foundation),
        _HANDLERS,
        (
            *_record(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.artifacts, "incoming/"),
            may.write_objects(foundation.artifacts, "models/"),
        ),
        memory_mb=1024,
        timeout_seconds=300,
    )


def _validate_model(foundation: Foundation, stack: Stack) -> Blueprint:
    """It alone may sign. Its layers hold what reads, checks and runs a model, and what reads a held-out table.

    It looks where traffic goes, to hold a candidate against the model that is live, and can move none.
    """
    return Blueprint(
        "validate_model",
        settings.function_name("validate_model"),
        _settings(settings.ValidateModelSettings, foundation),
        (*_HANDLERS, "data", "models"),
        (
            *_record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.write_objects(foundation.artifacts, "models/"),
            may.sign(foundation),
        ),
        memory_mb=2048,
        timeout_seconds=900,
    )


def _follow_deployment(foundation: Foundation, stack: Stack) -> Blueprint:
    """A rule and a schedule invoke it without waiting. It may start rollouts, and moves nothing itself."""
    machine = may.rollout_machine(stack)
    return Blueprint(
        "follow_deployment",
        settings.function_name("follow_deployment"),
        settings.FollowDeploymentSettings(table_name=foundation.table.table_name, rollout_machine_arn=machine),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.start_executions(machine),
        ),
        invoked_asynchronously=True,
    )


def _start_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It takes the endpoint's lock, and chooses steps that fit the endpoint's traffic."""
    return Blueprint(
        "start_rollout",
        settings.function_name("start_rollout"),
        _settings(settings.StartRolloutSettings, foundation),
        _HANDLERS,
        (
            *_record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "profiles/"),
            may.list_objects(foundation.data, "profiles/"),
        ),
        memory_mb=1769,  # a whole processor: it simulates rollouts where the policy leaves the steps to it
    )


def _publish_release(foundation: Foundation, stack: Stack) -> Blueprint:
    """It alone changes inference functions."""
    return Blueprint(
        "publish_release",
        settings.function_name("publish_release"),
        _settings(settings.PublishReleaseSettings, foundation),
        _HANDLERS,
        (
            *_move(foundation, stack),
            may.read_objects(foundation.artifacts, "models/", "layers/"),
            may.write_objects(foundation.artifacts, "layers/"),
            *may.publish_versions(stack),
            may.read_code(stack),
            may.set_alarms(stack),
            may.verify(foundation),
        ),
        memory_mb=1024,
        timeout_seconds=600,
    )


def _shadow_candidate(foundation: Foundation, stack: Stack) -> Blueprint:
    """It replays the log to a candidate, and may move no traffic."""
    return Blueprint(
        "shadow_candidate",
        settings.function_name("shadow_candidate"),
        _settings(settings.ShadowCandidateSettings, foundation),
        (*_HANDLERS, "data"),
        (
            *_record(foundation),
            *may.clear_alarms(stack),
            may.invoke_all_versions(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "records/", "profiles/"),
            may.list_objects(foundation.data, "records/", "profiles/"),
        ),
        memory_mb=1024,
        timeout_seconds=300,
    )


def _advance_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It compares what the candidate did with what the stable release did: counts, and labels with records."""
    return Blueprint(
        "advance_rollout",
        settings.function_name("advance_rollout"),
        _settings(settings.AdvanceRolloutSettings, foundation),
        (*_HANDLERS, "data", "joins"),
        (
            *_move(foundation, stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "profiles/", "records/", "labels/"),
            may.list_objects(foundation.data, "profiles/", "records/", "labels/"),
        ),
        memory_mb=1024,
    )


def _roll_back(foundation: Foundation, stack: Stack) -> Blueprint:
    """An alarm invokes it without waiting."""
    return Blueprint(
        "roll_back",
        settings.function_name("roll_back"),
        _settings(settings.RollBackSettings, foundation),
        _HANDLERS,
        (*_move(foundation, stack), may.wake_versions(stack)),
        invoked_asynchronously=True,
    )


def _collect_predictions(foundation: Foundation) -> Blueprint:
    """A log subscription invokes it without waiting. It holds no right to read what it has written."""
    return Blueprint(
        "collect_predictions",
        settings.function_name("collect_predictions"),
        _settings(settings.CollectPredictionsSettings, foundation),
        (*_HANDLERS, "data"),
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_objects(foundation.artifacts, "models/"),
            may.write_objects(foundation.data, "records/", "profiles/"),
        ),
        memory_mb=1024,
        invoked_asynchronously=True,
    )


def _compact_profiles(foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It alone may delete: what it has folded, of the profiles."""
    return Blueprint(
        "compact_profiles",
        settings.function_name("compact_profiles"),
        _settings(settings.CompactProfilesSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "profiles/"),
            may.list_objects(foundation.data, "profiles/"),
            may.write_objects(foundation.data, "profiles/"),
            may.delete_objects(foundation.data, "profiles/"),
        ),
        memory_mb=2048,
        timeout_seconds=900,
        invoked_asynchronously=True,
    )


def _prune_releases(foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It alone may remove versions: numbered ones, and model layers."""
    return Blueprint(
        "prune_releases",
        settings.function_name("prune_releases"),
        _settings(settings.PruneReleasesSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.write_table(foundation),
            *may.append_to_ledger(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            *may.remove_versions(stack),
        ),
        timeout_seconds=300,
        invoked_asynchronously=True,
    )


def _detect_drift(foundation: Foundation, stack: Stack) -> Blueprint:
    return _watcher("detect_drift", _settings(settings.DetectDriftSettings, foundation), foundation, stack)


def _estimate_performance(foundation: Foundation, stack: Stack) -> Blueprint:
    told = _settings(settings.EstimatePerformanceSettings, foundation)
    return _watcher("estimate_performance", told, foundation, stack)


def _watcher(verb_noun: str, told: tuple[str, ...], foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It reads what was counted, and may tell what it finds."""
    return Blueprint(
        verb_noun,
        settings.function_name(verb_noun),
        told,
        _HANDLERS,
        (
            *_record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "profiles/"),
            may.list_objects(foundation.data, "profiles/"),
        ),
        memory_mb=1024,
        timeout_seconds=300,
        invoked_asynchronously=True,
    )


def _snapshot_data(foundation: Foundation, stack: Stack) -> Blueprint:
    """It joins records with labels."""
    return Blueprint(
        "snapshot_data",
        settings.function_name("snapshot_data"),
        _settings(settings.SnapshotDataSettings, foundation),
        (*_HANDLERS, "data", "joins"),
        (
            *_record(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "records/", "labels/", "snapshots/"),
            may.list_objects(foundation.data, "records/", "labels/"),
            may.write_objects(foundation.data, "snapshots/"),
        ),
        memory_mb=2048,
        timeout_seconds=900,
    )


def _train_model(foundation: Foundation, stack: Stack) -> Blueprint:
    """Its upload starts a release like anybody's."""
    return Blueprint(
        "train_model",
        settings.function_name("train_model"),
        _settings(settings.TrainModelSettings, foundation),
        (*_HANDLERS, "data", "training"),
        (
            may.use_encryption_key(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "snapshots/"),
            may.write_objects(foundation.artifacts, "incoming/"),
        ),
        memory_mb=4096,
        timeout_seconds=900,
    )


def _plan_batch(foundation: Foundation, stack: Stack) -> Blueprint:
    """It sees what is under `batch/` and which model is live. Asking for a size takes the right to read."""
    return Blueprint(
        "plan_batch",
        settings.function_name("plan_batch"),
        _settings(settings.PlanBatchSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.list_objects(foundation.data, "batch/"),
            may.read_objects(foundation.data, "batch/"),
            may.write_objects(foundation.data, "predictions/"),
        ),
        memory_mb=1024,
        timeout_seconds=600,
    )


def _predict_batch(foundation: Foundation) -> Blueprint:
    """It reads rows and a model, and writes what the model said; memory is for an object that is read whole."""
    return Blueprint(
        "predict_batch",
        settings.function_name("predict_batch"),
        _settings(settings.PredictBatchSettings, foundation),
        (*_HANDLERS, "data", "models"),
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "batch/", "predictions/"),
            may.write_objects(foundation.data, "predictions/"),
        ),
        memory_mb=3008,
        timeout_seconds=900,
    )


def _conclude_batch(foundation: Foundation) -> Blueprint:
    """It counts what is there."""
    return Blueprint(
        "conclude_batch",
        settings.function_name("conclude_batch"),
        _settings(settings.ConcludeBatchSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_objects(foundation.artifacts, "models/"),
            may.list_objects(foundation.data, "predictions/"),
            may.read_objects(foundation.data, "predictions/"),
            may.write_objects(foundation.data, "predictions/"),
        ),
        memory_mb=1024,
        timeout_seconds=300,
    )


def _describe_server() -> Blueprint:
    """It answers for the API itself, and may do nothing."""
    return Blueprint(
        "describe_server",
        settings.function_name("describe_server"),
        settings.DescribeServerSettings(),
        (CORE,),
        memory_mb=256,
        timeout_seconds=10,
    )


def _authorise_caller(foundation: Foundation) -> Blueprint:
    """Every caller of a token's endpoint reaches it: it may look up a document by its key, and count calls."""
    return Blueprint(
        "authorise_caller",
        settings.function_name("authorise_caller"),
        _settings(settings.AuthoriseCallerSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_documents_by_key(foundation),
            may.count_calls(foundation),
        ),
        memory_mb=1769,  # a whole processor: a caller waits for its start
        timeout_seconds=10,  # API Gateway waits no longer
    )


def _request_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It may have a rollout begun, and see what is live; it moves nothing."""
    return Blueprint(
        "request_rollout",
        settings.function_name("request_rollout"),
        settings.RequestRolloutSettings(
            table_name=foundation.table.table_name,
            ledger_bucket=foundation.ledger.bucket_name,
            rollout_machine_arn=may.rollout_machine(stack),
        ),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.write_table(foundation),
            *may.append_to_ledger(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.start_executions(may.rollout_machine(stack)),
        ),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def _list_rollouts(foundation: Foundation, stack: Stack) -> Blueprint:
    """It reads."""
    return Blueprint(
        "list_rollouts",
        settings.function_name("list_rollouts"),
        _settings(settings.ListRolloutsSettings, foundation),
        _HANDLERS,
        (may.use_encryption_key(foundation), may.read_table(foundation), may.read_policies(stack)),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def _describe_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It reads."""
    return Blueprint(
        "describe_rollout",
        settings.function_name("describe_rollout"),
        _settings(settings.DescribeRolloutSettings, foundation),
        _HANDLERS,
        (may.use_encryption_key(foundation), may.read_table(foundation), may.read_policies(stack)),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def _steer_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It writes down what a person wishes; the rollout's tick moves traffic."""
    return Blueprint(
        "steer_rollout",
        settings.function_name("steer_rollout"),
        _settings(settings.SteerRolloutSettings, foundation),
        _HANDLERS,
        (*_record(foundation), may.read_policies(stack), may.see_alarms(stack)),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def _request_roll_back(foundation: Foundation, stack: Stack) -> Blueprint:
    """It passes on who wants traffic back; `roll_back` alone moves it."""
    return Blueprint(
        "request_roll_back",
        settings.function_name("request_roll_back"),
        _settings(settings.RequestRollBackSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_policies(stack),
            may.have_rolled_back(stack),
        ),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def _record_labels(foundation: Foundation, stack: Stack) -> Blueprint:
    """It writes label files, and can read none."""
    return Blueprint(
        "record_labels",
        settings.function_name("record_labels"),
        _settings(settings.RecordLabelsSettings, foundation),
        _HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_policies(stack),
            may.write_objects(foundation.data, "labels/"),
        ),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def keepers_of_tokens(foundation: Foundation, stack: Stack, api_id: str) -> tuple[Blueprint, ...]:
    """Return the functions that people have tokens kept by, so that nobody needs the right to write the table."""
    told = {
        "table_name": foundation.table.table_name,
        "ledger_bucket": foundation.ledger.bucket_name,
        "api_id": api_id,
    }
    record = (
        may.use_encryption_key(foundation),
        may.write_table(foundation),
        *may.append_to_ledger(foundation),
        may.read_policies(stack),
    )
    forget = may.reset_authorisers(stack, api_id)
    return (
        _keeper_of_tokens("make_token", settings.MakeTokenSettings(**told), *record),
        _keeper_of_tokens("rotate_token", settings.RotateTokenSettings(**told), *record, forget),
        _keeper_of_tokens("revoke_token", settings.RevokeTokenSettings(**told), *record, forget),
    )


def _keeper_of_tokens(verb_noun: str, told: settings.MakeTokenSettings, *permissions: Permission) -> Blueprint:
    return Blueprint(verb_noun, settings.function_name(verb_noun), told, _HANDLERS, permissions)


def _settings(kind: type[_Settings], foundation: Foundation) -> _Settings:
    """Return settings of a kind, every field filled with the foundation's resource of that name."""
    names = {
        "table_name": foundation.table.table_name,
        "artifacts_bucket": foundation.artifacts.bucket_name,
        "data_bucket": foundation.data.bucket_name,
        "ledger_bucket": foundation.ledger.bucket_name,
        "event_bus_name": foundation.bus.event_bus_name,
        "signing_key_id": foundation.signing_key.key_id,
    }
    return kind(**{name: names[name] for name in settings.field_names(kind)})


def _record(foundation: Foundation) -> tuple[Permission, ...]:
    """Return what recording a deed takes: the table, the ledger, the bus, and the key they are encrypted with."""
    return (
        may.use_encryption_key(foundation),
        may.write_table(foundation),
        *may.append_to_ledger(foundation),
        may.publish_events(foundation),
    )


def _move(foundation: Foundation, stack: Stack) -> tuple[Permission, ...]:
    """Return what carrying out a rollout takes; only the functions that do may move traffic."""
    return (
        *_record(foundation),
        may.read_alias(stack),
        may.move_alias(stack),
        *may.clear_alarms(stack),
    )
