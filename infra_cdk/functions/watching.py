"""What watches an endpoint and trains it anew: counting, drift, performance, snapshots."""

from __future__ import annotations

from aws_cdk import Stack

from infra_cdk import permissions as may
from infra_cdk.constructs.function import Blueprint
from infra_cdk.functions.deeds import HANDLERS, JOIN_DISK_MB, record, settings_of
from infra_cdk.stacks.foundation import Foundation
from serinus import settings


def collect_predictions(foundation: Foundation) -> Blueprint:
    """A log subscription invokes it without waiting. It holds no right to read what it has written."""
    return Blueprint(
        "collect_predictions",
        settings.function_name("collect_predictions"),
        settings_of(settings.CollectPredictionsSettings, foundation),
        (*HANDLERS, "data"),
        (
            may.use_encryption_key(foundation),
            may.read_table(foundation),
            may.read_objects(foundation.artifacts, "models/"),
            may.write_objects(foundation.data, "records/", "profiles/"),
        ),
        memory_mb=1024,
        invoked_asynchronously=True,
    )


def compact_profiles(foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It may delete what it has folded, of the profiles."""
    return Blueprint(
        "compact_profiles",
        settings.function_name("compact_profiles"),
        settings_of(settings.CompactProfilesSettings, foundation),
        HANDLERS,
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


def compact_labels(foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It may delete what it has folded, of the labels."""
    return Blueprint(
        "compact_labels",
        settings.function_name("compact_labels"),
        settings_of(settings.CompactLabelsSettings, foundation),
        (*HANDLERS, "data", "joins"),
        (
            may.use_encryption_key(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "labels/", "label-days/", "label-names/"),
            may.list_objects(foundation.data, "labels/", "label-days/"),
            may.write_objects(foundation.data, "label-days/", "label-names/"),
            may.delete_objects(foundation.data, "labels/", "label-days/"),
        ),
        memory_mb=2048,
        disk_mb=JOIN_DISK_MB,
        timeout_seconds=900,
        invoked_asynchronously=True,
    )


def detect_drift(foundation: Foundation, stack: Stack) -> Blueprint:
    """It compares live traffic with the reference."""
    told = settings_of(settings.DetectDriftSettings, foundation)
    return _watcher("detect_drift", told, foundation, stack)


def estimate_performance(foundation: Foundation, stack: Stack) -> Blueprint:
    """It tells from scores alone."""
    told = settings_of(settings.EstimatePerformanceSettings, foundation)
    return _watcher("estimate_performance", told, foundation, stack)


def review_performance(foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It joins records with labels, and may tell what it finds."""
    return Blueprint(
        "review_performance",
        settings.function_name("review_performance"),
        settings_of(settings.ReviewPerformanceSettings, foundation),
        (*HANDLERS, "data", "joins"),
        (
            *record(foundation),
            may.read_policies(stack),
            may.read_alias(stack),
            may.read_objects(foundation.artifacts, "models/"),
            may.read_objects(foundation.data, "profiles/", "records/", "labels/", "label-days/"),
            may.list_objects(foundation.data, "profiles/", "records/", "labels/", "label-days/"),
        ),
        memory_mb=2048,
        disk_mb=JOIN_DISK_MB,
        timeout_seconds=900,
        invoked_asynchronously=True,
    )


def _watcher(verb_noun: str, told: tuple[str, ...], foundation: Foundation, stack: Stack) -> Blueprint:
    """A schedule invokes it without waiting. It reads what was counted, and may tell what it finds."""
    return Blueprint(
        verb_noun,
        settings.function_name(verb_noun),
        told,
        HANDLERS,
        (
            *record(foundation),
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


def snapshot_data(foundation: Foundation, stack: Stack) -> Blueprint:
    """It joins records with labels."""
    return Blueprint(
        "snapshot_data",
        settings.function_name("snapshot_data"),
        settings_of(settings.SnapshotDataSettings, foundation),
        (*HANDLERS, "data", "joins"),
        (
            *record(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "records/", "labels/", "label-days/", "snapshots/"),
            may.list_objects(foundation.data, "records/", "labels/", "label-days/"),
            may.write_objects(foundation.data, "snapshots/"),
        ),
        memory_mb=2048,
        disk_mb=JOIN_DISK_MB,
        timeout_seconds=900,
    )


def train_model(foundation: Foundation, stack: Stack) -> Blueprint:
    """Its upload starts a release like anybody's."""
    return Blueprint(
        "train_model",
        settings.function_name("train_model"),
        settings_of(settings.TrainModelSettings, foundation),
        (*HANDLERS, "data", "training"),
        (
            may.use_encryption_key(foundation),
            may.read_policies(stack),
            may.read_objects(foundation.data, "snapshots/"),
            may.write_objects(foundation.artifacts, "incoming/"),
        ),
        memory_mb=4096,
        timeout_seconds=900,
    )
