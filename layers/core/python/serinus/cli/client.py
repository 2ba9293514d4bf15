"""Serinus from Python: what `serinus push` does, for notebooks and scripts.

Example:
    from serinus.cli.client import push

    pushed = push("fraud", pipeline, "holdout.parquet", target="is_fraud")
    print(pushed.stage, pushed.reason)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from serinus.use_cases.push_model import Following, Pushing, PushProgress, Stage, Uploads, follow_push, push_model

if TYPE_CHECKING:
    from serinus.wiring import Client

DEFAULT_TIMEOUT_MINUTES = 60.0


def push(
    endpoint: str,
    model: object,
    holdout: object,
    *,
    target: str | None = None,
    positive: str | None = None,
    score_output: str | None = None,
    framework_predictions: str | None = None,
    beside: Collection[str] = (),
    lineage: Mapping[str, str] | None = None,
    wait: bool = True,
    timeout_minutes: float = DEFAULT_TIMEOUT_MINUTES,
    report: Callable[[PushProgress], None] | None = None,
    client: Client | None = None,
    uploads: Uploads | None = None,
) -> PushProgress:
    """Push a model to an endpoint, and wait for what becomes of it.

    A pickled or live scikit-learn estimator is converted to ONNX here; the pickle itself is never uploaded.

    Args:
        endpoint: a deployed endpoint.
        model: a fitted scikit-learn estimator, or a path to one (.joblib, .pkl) or to an .onnx file.
        holdout: held-out rows with every feature and the target: a path (.csv, .parquet, .jsonl), a mapping of
            columns, or a data frame.
        target: the column to predict; found by itself where it is the only one that the model does not use.
        positive: the target's value that counts as 1; not needed where the target holds 0 and 1.
        score_output: the graph's output that holds the score, where that cannot be told.
        framework_predictions: the column that holds what the framework itself said of each row; validation holds the
            served scores against it, and it is never a feature.
        beside: columns of the held-out rows that are no features, for the policy to judge by, such as a group that
            the model is not to see; needed where a model does not name its features.
        lineage: what to record of the model's origin besides the git commit and versions.
        wait: whether to wait for the rollout's outcome.
        timeout_minutes: how long to wait; the pipeline goes on by itself afterwards.
        report: called each time there is something new.
        client: the deployment; by default the one that the AWS configuration points at.
        uploads: where to upload to; by default the deployment's bucket.

    Returns:
        How the upload stands in the end: `stage`, `version` with findings and metrics, `rollout`, `reason`.
        `succeeded` is whether it passed all that it came through.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        DataRefused: the held-out data are not what the model takes; nothing was uploaded.
        ModelRefused: the model cannot be converted or served; nothing was uploaded.
        ManifestRefused: a name or lineage entry is one that no manifest may hold; nothing was uploaded.
    """
    from serinus.adapters.schemas.manifest import write_manifest
    from serinus.cli.preparing import Choices, prepare

    deployed = client or _deployment()
    policy = deployed.policies.get(endpoint)  # before the work of converting
    choices = Choices(target, positive, score_output, framework_predictions, tuple(beside))
    package = prepare(
        model, holdout, choices=choices, lineage=lineage or {}, looked_at=policy.looked_at, target=policy.target
    )
    pushing = Pushing(deployed.policies, uploads or deployed.artifacts, write_manifest, _now)
    upload = push_model(endpoint, package, pushing=pushing)
    progress = PushProgress(endpoint, upload, Stage.UPLOADED, reason="waiting to be registered")
    if not wait:
        return progress
    until = _now() + timedelta(minutes=timeout_minutes)
    describing = deployed.describing
    following = Following(deployed.versions, deployed.rollouts, describing.traffic, _now, time.sleep)
    for progress in follow_push(endpoint, upload, until=until, following=following):
        if report is not None:
            report(progress)
    return progress


def _deployment() -> Client:
    from serinus import wiring

    return wiring.client()


def _now() -> datetime:
    return datetime.now(UTC)
