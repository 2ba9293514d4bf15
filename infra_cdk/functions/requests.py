"""What answers people and callers through the API: it looks, writes down and passes on, and moves no traffic."""

from __future__ import annotations

from aws_cdk import Stack

from infra_cdk import permissions as may
from infra_cdk.constructs.function import Blueprint
from infra_cdk.constructs.permission import Permission
from infra_cdk.functions.deeds import HANDLERS, record, settings_of
from infra_cdk.layers import CORE
from infra_cdk.stacks.foundation import Foundation
from serinus import settings

_GATEWAY_WAITS_SECONDS = 29


def describe_server() -> Blueprint:
    """It answers for the API itself, and may do nothing."""
    return Blueprint(
        "describe_server",
        settings.function_name("describe_server"),
        settings.DescribeServerSettings(),
        (CORE,),
        memory_mb=256,
        timeout_seconds=10,
    )


def authorise_caller(foundation: Foundation) -> Blueprint:
    """Every caller of a token's endpoint reaches it: it may look up a document by its key, and count calls."""
    return Blueprint(
        "authorise_caller",
        settings.function_name("authorise_caller"),
        settings_of(settings.AuthoriseCallerSettings, foundation),
        HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_documents_by_key(foundation),
            may.count_calls(foundation),
        ),
        memory_mb=1769,  # a whole processor: a caller waits for its start
        timeout_seconds=10,  # API Gateway waits no longer
    )


def request_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It may have a rollout begun, and see what is live; it moves nothing."""
    return Blueprint(
        "request_rollout",
        settings.function_name("request_rollout"),
        settings.RequestRolloutSettings(
            table_name=foundation.table.table_name,
            ledger_bucket=foundation.ledger.bucket_name,
            rollout_machine_arn=may.rollout_machine(stack),
        ),
        HANDLERS,
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


def list_rollouts(foundation: Foundation, stack: Stack) -> Blueprint:
    """It reads."""
    return Blueprint(
        "list_rollouts",
        settings.function_name("list_rollouts"),
        settings_of(settings.ListRolloutsSettings, foundation),
        HANDLERS,
        (may.use_encryption_key(foundation), may.read_table(foundation), may.read_policies(stack)),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def describe_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It reads."""
    return Blueprint(
        "describe_rollout",
        settings.function_name("describe_rollout"),
        settings_of(settings.DescribeRolloutSettings, foundation),
        HANDLERS,
        (may.use_encryption_key(foundation), may.read_table(foundation), may.read_policies(stack)),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def steer_rollout(foundation: Foundation, stack: Stack) -> Blueprint:
    """It writes down what a person wishes; the rollout's tick moves traffic."""
    return Blueprint(
        "steer_rollout",
        settings.function_name("steer_rollout"),
        settings_of(settings.SteerRolloutSettings, foundation),
        HANDLERS,
        (*record(foundation), may.read_policies(stack), may.see_alarms(stack)),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def request_roll_back(foundation: Foundation, stack: Stack) -> Blueprint:
    """It passes on who wants traffic back; `roll_back` alone moves it."""
    return Blueprint(
        "request_roll_back",
        settings.function_name("request_roll_back"),
        settings_of(settings.RequestRollBackSettings, foundation),
        HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_policies(stack),
            may.have_rolled_back(stack),
        ),
        memory_mb=1024,
        timeout_seconds=_GATEWAY_WAITS_SECONDS,
    )


def record_labels(foundation: Foundation, stack: Stack) -> Blueprint:
    """It writes label files, and can read none; it may see which have been folded, by their names."""
    return Blueprint(
        "record_labels",
        settings.function_name("record_labels"),
        settings_of(settings.RecordLabelsSettings, foundation),
        HANDLERS,
        (
            may.use_encryption_key(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "label-names/"),
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
    return Blueprint(verb_noun, settings.function_name(verb_noun), told, HANDLERS, permissions)
