"""Score what earlier versions were validated on: what a model has learned anew, it may have paid for in the old."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.history import HistoricalRows, History
from serinus.domain.model_version import ModelVersion, Status
from serinus.domain.policy import Policy
from serinus.domain.target_values import labels_of
from serinus.domain.task import Target
from serinus.errors import DataRefused, ModelFailed, ObjectNotFound
from serinus.use_cases.compare_with_stable import Contending, stable_release
from serinus.use_cases.ports.models import Model
from serinus.use_cases.register_model import model_home
from serinus.use_cases.score_rows import score_rows

_MAXIMUM_BYTES = 100_000_000  # of one file; a model's own held-out rows may weigh more, but they are read alone


def score_history(
    version: ModelVersion, model: Model, policy: Policy, *, seed: int, contending: Contending
) -> History:
    """Score the snapshots that earlier versions were validated on, the most recent first, as many as the policy says.

    One that no longer fits the model's signature, cannot be read, or is damaged is passed over, which a finding tells
    and nothing fails by: data change their shape, and what is lacking says nothing against the candidate. At most
    `held_out.MOST_RESAMPLED_ROWS` rows of each are scored, one file in memory at a time.

    Args:
        version: the candidate.
        model: the candidate's.
        policy: says how many.
        seed: of the rows that are taken.
        contending: what comparing needs of the world.

    Returns:
        Nothing where no release is live: there is nothing to be compared with.
    """
    if stable_release(policy, contending) is None:
        return History()
    snapshots: list[HistoricalRows] = []
    passed_over: list[Finding] = []
    for earlier in _earlier(version, contending.versions.list(policy.endpoint))[
        : policy.comparison.historical_snapshots
    ]:
        try:
            rows = _rows(earlier, policy.target, seed=seed, contending=contending)
            scored = score_rows(model, version.manifest.signature, rows)
        except (DataRefused, ModelFailed, ObjectNotFound) as refusal:
            passed_over.append(_passed_over(earlier, str(refusal)))
        else:
            snapshots.append(HistoricalRows(earlier.number, scored))
    return History(tuple(snapshots), tuple(passed_over))


def _earlier(version: ModelVersion, versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """Return the other validated versions, the most recent first, one for each snapshot but the candidate's own."""
    seen, found = {version.manifest.holdout.sha256}, []
    for each in sorted(versions, key=lambda each: -each.number):
        if each.status is Status.VALIDATED and each.manifest.holdout.sha256 not in seen:
            seen.add(each.manifest.holdout.sha256)
            found.append(each)
    return found


def _rows(earlier: ModelVersion, target: Target, *, seed: int, contending: Contending) -> HeldOutRows:
    holdout = earlier.manifest.holdout
    key = f"{model_home(earlier.endpoint, earlier.manifest)}/{holdout.name}"
    size = contending.artifacts.size(key)
    if size > _MAXIMUM_BYTES:
        raise DataRefused(f"{key} has {size:,} bytes; at most {_MAXIMUM_BYTES:,} are read for a comparison")
    body = contending.artifacts.get(key)
    if hashlib.sha256(body).hexdigest() != holdout.sha256:
        raise DataRefused(f"{key} is not the file that version {earlier.number} was validated on")
    table = contending.tables.read(holdout.name, body)
    labels = labels_of(table, holdout.target, file=holdout.name, target=target)
    return HeldOutRows(holdout.name, table, labels, np.zeros(len(labels)), target).sampled(seed)


def _passed_over(earlier: ModelVersion, why: str) -> Finding:
    message = f"the held-out rows of version {earlier.number} were passed over: {why}"
    return Finding(f"against_stable:rows_of_version_{earlier.number}", passed=True, message=message)
