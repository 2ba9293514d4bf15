"""What scores whole files, part by part."""

from __future__ import annotations

from aws_cdk import Stack

from infra_cdk import permissions as may
from infra_cdk.constructs.function import Blueprint
from infra_cdk.functions.deeds import HANDLERS, settings_of
from infra_cdk.stacks.foundation import Foundation
from serinus import settings


def plan_batch(foundation: Foundation, stack: Stack) -> Blueprint:
    """It sees what is under `batch/` and which model is live. Asking for a size takes the right to read."""
    return Blueprint(
        "plan_batch",
        settings.function_name("plan_batch"),
        settings_of(settings.PlanBatchSettings, foundation),
        HANDLERS,
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


def predict_batch(foundation: Foundation) -> Blueprint:
    """It reads rows and a model, and writes what the model said; memory is for an object that is read whole."""
    return Blueprint(
        "predict_batch",
        settings.function_name("predict_batch"),
        settings_of(settings.PredictBatchSettings, foundation),
        (*HANDLERS, "data", "models"),
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


def conclude_batch(foundation: Foundation) -> Blueprint:
    """It counts what is there."""
    return Blueprint(
        "conclude_batch",
        settings.function_name("conclude_batch"),
        settings_of(settings.ConcludeBatchSettings, foundation),
        HANDLERS,
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
