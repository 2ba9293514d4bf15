"""Try a model out beyond its metrics: groups, perturbed inputs, declared behaviour, parity, footprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from serinus.domain.behaviour import judge_behaviour
from serinus.domain.fairness import judge_fairness
from serinus.domain.footprint import judge_footprint, judge_size
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows
from serinus.domain.model_version import ModelVersion
from serinus.domain.parity import judge_parity
from serinus.domain.policy import Policy
from serinus.domain.stability import Decide, judge_stability
from serinus.domain.table import Table
from serinus.domain.task import Task
from serinus.errors import ModelFailed
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.models import MeasureFootprint, Model
from serinus.use_cases.score_rows import answers_of

_LONGEST = timedelta(minutes=2)  # that perturbed inputs are tried; a slow model is looked at less closely


@dataclass(frozen=True)
class Probing:
    """What trying a model out needs.

    Attributes:
        version: what is validated.
        served: the file that a release of it will carry.
        model: that file, loaded.
        rows: held out, as it scored them.
        features: what it scored, [rows] each.
    """

    version: ModelVersion
    served: bytes
    model: Model
    rows: HeldOutRows
    features: Table
    measure_footprint: MeasureFootprint
    clock: Clock


def probe_model(policy: Policy, *, probing: Probing) -> tuple[Finding, ...]:
    """Hold a model that scored its held-out rows against what the policy demands besides metrics.

    What costs little is told even where the policy demands nothing. Whatever is drawn is drawn by the content digest,
    so that a retry finds the same; only the measured times and memory differ.
    """
    rows, threshold = probing.rows, policy.operating_threshold
    found = [finding for rule in policy.fairness for finding in judge_fairness(rule, rows, threshold)]
    found += _tried(policy, probing)
    column = probing.version.manifest.holdout.framework_predictions
    if column is not None:
        found.append(judge_parity(policy.parity, rows, column, threshold))
    found.append(judge_size(policy.footprint, len(probing.served)))
    return (*found, *_weighed(policy, probing))


def _tried(policy: Policy, probing: Probing) -> Iterator[Finding]:
    signature, seed = probing.version.manifest.signature, probing.version.seed
    rows, features, threshold = probing.rows, probing.features, policy.operating_threshold
    until = probing.clock() + _LONGEST

    def score(asked: Table) -> npt.NDArray[np.float64]:
        return answers_of(probing.model, signature, asked, policy.target)

    yield from judge_stability(
        policy.stability,
        signature,
        rows,
        features,
        score=score,
        decide=_deciding(policy, rows),
        seed=seed,
        time_is_up=lambda: probing.clock() > until,
    )
    for test in policy.behaviour:
        yield judge_behaviour(test, signature, rows, features, threshold, score=score, seed=seed)


def _deciding(policy: Policy, rows: HeldOutRows) -> Decide | None:
    """Return how a row is decided by its score; a regression decides nothing, nor do scores that are no chances."""
    match policy.task:
        case Task.BINARY if rows.refused_scores is None:
            return lambda scores: scores >= policy.operating_threshold
        case Task.MULTICLASS:
            return lambda scores: np.asarray(np.argmax(scores, axis=1))
        case _:
            return None


def _weighed(policy: Policy, probing: Probing) -> tuple[Finding, ...]:
    limits = policy.footprint
    try:
        found = probing.measure_footprint(probing.served, probing.version.manifest.signature, probing.features)
    except ModelFailed as failure:
        limited = (limits.maximum_memory_mb, limits.maximum_row_latency_ms, limits.minimum_rows_per_second)
        message = f"what the model takes could not be measured: {failure}"
        return (Finding("footprint:run", passed=not any(limited), message=message),)
    if found is None:
        return ()
    serving, slo = policy.serving, policy.rollout.slo_latency_ms
    return judge_footprint(limits, found, memory_mb=serving.memory_mb, slo_latency_ms=slo)
