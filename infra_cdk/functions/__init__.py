"""What every control-plane function is: its settings, its layers, what it may do (`infer` is its endpoint's)."""

from __future__ import annotations

from aws_cdk import Stack

from infra_cdk.constructs.function import Blueprint
from infra_cdk.functions import batches, releases, requests, watching
from infra_cdk.stacks.foundation import Foundation


def control_plane(foundation: Foundation, stack: Stack) -> tuple[Blueprint, ...]:
    """Return every control-plane function, in the order of a model's life."""
    return (
        releases.register_model(foundation, stack),
        releases.validate_data(foundation, stack),
        releases.validate_model(foundation, stack),
        releases.reject_upload(foundation, stack),
        releases.follow_deployment(foundation, stack),
        releases.start_rollout(foundation, stack),
        releases.publish_release(foundation, stack),
        releases.shadow_candidate(foundation, stack),
        releases.advance_rollout(foundation, stack),
        releases.roll_back(foundation, stack),
        watching.collect_predictions(foundation),
        watching.compact_profiles(foundation, stack),
        watching.compact_labels(foundation, stack),
        releases.prune_releases(foundation, stack),
        watching.detect_drift(foundation, stack),
        watching.estimate_performance(foundation, stack),
        watching.review_performance(foundation, stack),
        watching.snapshot_data(foundation, stack),
        watching.train_model(foundation, stack),
        batches.plan_batch(foundation, stack),
        batches.predict_batch(foundation),
        batches.conclude_batch(foundation),
        requests.describe_server(),
        requests.authorise_caller(foundation),
        requests.request_rollout(foundation, stack),
        requests.list_rollouts(foundation, stack),
        requests.describe_rollout(foundation, stack),
        requests.steer_rollout(foundation, stack),
        requests.request_roll_back(foundation, stack),
        requests.record_labels(foundation, stack),
    )
