"""Hold a candidate against the model that is live, on the same held-out rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.comparison import differences, judge_difference
from serinus.domain.feature_columns import features_of
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.model_version import ModelVersion
from serinus.domain.policy import Policy
from serinus.domain.profile import are_chances
from serinus.errors import DataRefused, ModelFailed, ModelRefused, ObjectNotFound
from serinus.use_cases.ports import Models, ModelVersions, Objects, Rollouts, Traffic
from serinus.use_cases.register_model import served_model_key


@dataclass(frozen=True)
class Contending:
    """What comparing with the live model needs of the world."""

    artifacts: Objects
    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic
    models: Models


def compare_with_stable(
    rows: HeldOutRows, policy: Policy, *, seed: int, contending: Contending
) -> tuple[Finding, ...]:
    """Score the candidate's held-out rows with the stable release's model too, and compare each gated metric.

    At most `held_out.MOST_RESAMPLED_ROWS` of the rows are scored. A comparison that cannot be made is a finding that
    stands against nothing: a model of other features, say, has no stable release to be worse than.

    Args:
        rows: as the candidate scored them.
        policy: says which metrics are gated, and how much worse the candidate may be.
        seed: of the draws.
        contending: what comparing needs of the world.

    Returns:
        One finding for each gate; none where nothing is live yet.
    """
    stable = contending.traffic.current(policy.endpoint).stable
    release = contending.rollouts.release(policy.endpoint, stable)
    if release is None:
        return ()
    version = contending.versions.get(policy.endpoint, release.model_version)
    name = f"version {version.number} (release {release.number})"
    sample = rows.sampled(seed)
    try:
        scores = _scores(version, sample, contending)
    except (DataRefused, ModelFailed, ModelRefused, ObjectNotFound) as refusal:
        return (_not_compared(name, str(refusal)),)
    if sample.too_few or not are_chances(scores):
        return (_not_compared(name, sample.too_few or "its scores of them are not all between 0 and 1"),)
    found = differences(sample, scores, policy.operating_threshold, seed=seed)
    return tuple(
        judge_difference(gate, found[gate.metric], stable=name, rows=sample.rows)
        for gate in policy.gates
        if gate.metric in found
    )


def _scores(version: ModelVersion, rows: HeldOutRows, contending: Contending) -> npt.NDArray[np.float64]:
    body = contending.artifacts.get(served_model_key(version))
    if hashlib.sha256(body).hexdigest() != version.served_digest:
        raise ModelRefused(f"{served_model_key(version)} is not the file that was validated")
    signature = version.manifest.signature
    features = features_of(signature, rows.table, file=rows.file)
    return contending.models.load(body, signature).score(features)


def _not_compared(name: str, why: str) -> Finding:
    message = f"{name}, which is live, could not be compared on the held-out rows: {why}"
    return Finding("against_stable", passed=True, message=message)
