"""Hold a candidate against the model that is live, on the same held-out rows: its own, and those of the past."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serinus.domain.comparison import differences, judge_difference
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.history import History
from serinus.domain.model_version import ModelVersion
from serinus.domain.policy import Policy
from serinus.domain.rollout import Release
from serinus.domain.slice_comparison import compare_slices
from serinus.errors import DataRefused, ModelFailed, ModelRefused, ObjectNotFound
from serinus.use_cases.ports.files import Tables
from serinus.use_cases.ports.models import Model, Models
from serinus.use_cases.ports.registry import ModelVersions
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.register_model import served_model_key
from serinus.use_cases.score_rows import score_rows


@dataclass(frozen=True)
class Contending:
    """What comparing with the live model needs of the world."""

    artifacts: Objects
    versions: ModelVersions
    rollouts: Rollouts
    traffic: Traffic
    models: Models
    tables: Tables


@dataclass(frozen=True)
class _Stable:
    """The model that is live, loaded."""

    name: str
    version: ModelVersion
    model: Model


def compare_with_stable(
    rows: HeldOutRows, history: History, policy: Policy, *, seed: int, contending: Contending
) -> tuple[Finding, ...]:
    """Score the candidate's held-out rows and those of the past with the stable release's model too, and compare.

    Every gated metric is compared on each snapshot, and on the candidate's own rows in each guarded slice. At most
    `held_out.MOST_RESAMPLED_ROWS` of a snapshot's rows are scored. A comparison that cannot be made is a finding that
    stands against nothing: a model of other features, say, has no stable release to be worse than.

    Args:
        rows: the candidate's own, as it scored them.
        history: those of the past, as it scored them.
        policy: says which metrics are gated, how much worse the candidate may be, and which slices are guarded.
        seed: of the draws.
        contending: what comparing needs of the world.

    Returns:
        One finding for each gate and snapshot, and for each gate and guarded column; none where nothing is live yet.
    """
    release = stable_release(policy, contending)
    if release is None:
        return ()
    version = contending.versions.get(policy.endpoint, release.model_version)
    name = f"version {version.number} (release {release.number})"
    sample = rows.sampled(seed)
    try:
        stable = _Stable(name, version, _loaded(version, contending))
        scores = _scores(stable, sample)
    except (DataRefused, ModelFailed, ModelRefused, ObjectNotFound) as refusal:
        return (_not_compared(name, str(refusal)),)
    found = differences(sample, scores, policy.operating_threshold, seed=seed)
    return (
        *(judge_difference(gate, found[gate.metric], stable=name, rows=sample.rows) for gate in policy.gates),
        *_on_the_past(stable, history, policy, seed=seed),
        *compare_slices(
            sample, scores, policy.slices, policy.gates, policy.operating_threshold, seed=seed, name=name
        ),
    )


def stable_release(policy: Policy, contending: Contending) -> Release | None:
    """Return the release that is live; `None` before the first."""
    return contending.rollouts.release(policy.endpoint, contending.traffic.current(policy.endpoint).stable)


def _on_the_past(stable: _Stable, history: History, policy: Policy, *, seed: int) -> Iterator[Finding]:
    for snapshot in history.snapshots:
        number = snapshot.version
        try:
            scores = _scores(stable, snapshot.rows)
        except (DataRefused, ModelFailed) as refusal:
            yield _not_compared(stable.name, str(refusal), of_version=number)
            continue
        found = differences(snapshot.rows, scores, policy.operating_threshold, seed=seed)
        for gate in policy.gates:
            yield judge_difference(
                gate, found[gate.metric], stable=stable.name, rows=snapshot.rows.rows, of_version=number
            )
    yield from history.passed_over


def _loaded(version: ModelVersion, contending: Contending) -> Model:
    body = contending.artifacts.get(served_model_key(version))
    if hashlib.sha256(body).hexdigest() != version.served_digest:
        raise ModelRefused(f"{served_model_key(version)} is not the file that was validated")
    return contending.models.load(body, version.manifest.signature)


def _scores(stable: _Stable, rows: HeldOutRows) -> npt.NDArray[np.float64]:
    """Score rows with the stable model.

    Raises:
        DataRefused: it takes other columns, its scores are none of the task, or the rows are too few to tell.
        ModelFailed: it fails on them.
    """
    scored = score_rows(stable.model, stable.version.manifest.signature, rows)
    if rows.too_few:
        raise DataRefused(rows.too_few)
    return scored.scores


def _not_compared(name: str, why: str, of_version: int | None = None) -> Finding:
    gate, whose = "against_stable", ""
    if of_version is not None:
        gate, whose = f"{gate}:rows_of_version_{of_version}", f" of version {of_version}"
    message = f"{name}, which is live, could not be compared on the held-out rows{whose}: {why}"
    return Finding(gate, passed=True, message=message)
