"""What brings models to traffic and back: registering, validating, rolling out, pruning."""

from __future__ import annotations

from aws_cdk import Stack

from infra_cdk import permissions as may
from infra_cdk.constructs.function import Blueprint
from infra_cdk.functions.deeds import HANDLERS, JOIN_DISK_MB, move, record, settings_of
from infra_cdk.stacks.foundation import Foundation
from serinus import settings


def register_model(foundation: Foundation, stack: Stack) -> Blueprint:
    """It copies an upload's objects to where models stay."""
    return Blueprint(
        "register_model",
        settings.function_name("register_model"),
        settings_of(settings.RegisterModelSettings, foundation),
        HANDLERS,
        (
            *record(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.artifacts, "incoming/"),
            may.write_objects(foundation.artifacts, "models/"),
        ),
        memory_mb=1024,
        timeout_seconds=300,
    )


def validate_data(foundation: Foundation, stack: Stack) -> Blueprint:
    """It reads whatever anybody has uploaded, and conditions that a policy holds: so it signs and moves nothing."""
    return Blueprint(
        "validate_data",
        settings.function_name("validate_data"),
        settings_of(settings.ValidateDataSettings, foundation),
        (*HANDLERS, "data"),
        (
            *record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "snapshots/", "profiles/"),
            may.list_objects(foundation.data, "profiles/"),
        ),
        memory_mb=3008,  # a file is held in memory until it is on the disk
        timeout_seconds=900,
    )


def validate_model(foundation: Foundation, stack: Stack) -> Blueprint:
    """It alone may sign. Its layers hold what reads, checks and runs a model, and what reads a held-out table.

    It looks where traffic goes, to hold a candidate against the model that is live, and can move none.
    """
    return Blueprint(
        "validate_model",
        settings.function_name("validate_model"),
        settings_of(settings.ValidateModelSettings, foundation),
        (*HANDLERS, "data", "models"),
        (
            *record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.write_objects(foundation.artifacts, "models/"),
            may.sign(foundation),
        ),
        memory_mb=2048,
        timeout_seconds=900,
    )


def reject_upload(foundation: Foundation, stack: Stack) -> Blueprint:
    """It records what another function could not, and reads no model and no rows."""
    return Blueprint(
        "reject_upload",
        settings.function_name("reject_upload"),
        settings_of(settings.RejectUploadSettings, foundation),
        HANDLERS,
        (*record(foundation), may.read_policies(stack)),
    )


def follow_deployment(foundation: Foundation, stack: Stack) -> Blueprint:
    """A rule and a schedule invoke it without waiting. It may start rollouts, and moves nothing itself."""
    machine = may.rollout_machine(stack)
    return Blueprint(
        "follow_deployment",
        settings.function_name("follow_deployment"),
        settings.FollowDeploymentSettings(table_name=foundation.table.table_name, rollout_machine_arn=machine),
        HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.start_executions(machine),
        ),
        invoked_asynchronously=True,
    )


def start_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It takes the endpoint's lock, and chooses steps that fit the endpoint's traffic."""
    return Blueprint(
        "start_rollout",
        settings.function_name("start_rollout"),
        settings_of(settings.StartRolloutSettings, foundation),
        HANDLERS,
        (
            *record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "profiles/"),
            may.list_objects(foundation.data, "profiles/"),
        ),
        memory_mb=1769,  # a whole processor: it simulates rollouts where the policy leaves the steps to it
    )


def publish_release(foundation: Foundation, stack: Stack) -> Blueprint:
    """It alone changes inference functions."""
    return Blueprint(
        "publish_release",
        settings.function_name("publish_release"),
        settings_of(settings.PublishReleaseSettings, foundation),
        HANDLERS,
        (
            *move(foundation, stack),
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


def shadow_candidate(foundation: Foundation, stack: Stack) -> Blueprint:
    """It replays the log to a candidate, and may move no traffic."""
    return Blueprint(
        "shadow_candidate",
        settings.function_name("shadow_candidate"),
        settings_of(settings.ShadowCandidateSettings, foundation),
        (*HANDLERS, "data"),
        (
            *record(foundation),
            *may.clear_alarms(stack),
            may.invoke_all_versions(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "records/", "profiles/"),
            may.list_objects(foundation.data, "records/", "profiles/"),
        ),
        memory_mb=1024,
        timeout_seconds=300,
    )


def advance_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It compares what the candidate did with what the stable release did: counts, and labels with records."""
    return Blueprint(
        "advance_rollout",
        settings.function_name("advance_rollout"),
        settings_of(settings.AdvanceRolloutSettings, foundation),
        (*HANDLERS, "data", "joins"),
        (
            *move(foundation, stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "profiles/", "records/", "labels/", "label-days/"),
            may.list_objects(foundation.data, "profiles/", "records/", "labels/", "label-days/"),
        ),
        memory_mb=1024,
        disk_mb=JOIN_DISK_MB,
    )


def roll_back(foundation: Foundation, stack: Stack) -> Blueprint:
    """An alarm invokes it without waiting."""
    return Blueprint(
        "roll_back",
        settings.function_name("roll_back"),
        settings_of(settings.RollBackSettings, foundation),
        HANDLERS,
        (*move(foundation, stack), may.wake_versions(stack)),
        invoked_asynchronously=True,
    )


def prune_releases(foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It alone may remove versions: numbered ones, and model layers."""
    return Blueprint(
        "prune_releases",
        settings.function_name("prune_releases"),
        settings_of(settings.PruneReleasesSettings, foundation),
        HANDLERS,
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
