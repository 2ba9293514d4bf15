"""How good was each release in production: by the labels that have come, and by estimate while they have not?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from serinus.domain.performance_estimate import PerformanceEstimate
from serinus.domain.policy import Metric
from serinus.domain.quality import measure, score_table
from serinus.use_cases.estimate_performance import estimate_of
from serinus.use_cases.join_labels import joined
from serinus.use_cases.live_window import live_window
from serinus.use_cases.ports import Labels, Policies, ProfileParts, Records, References, Rollouts


@dataclass(frozen=True)
class Performance:
    """What one release did in a window.

    Attributes:
        metrics: by the labels; empty where no labels of both classes have come.
        estimated: of all rows scored, by their scores alone.
    """

    release: int
    model_version: int
    requests: int
    failures: int
    latency_p95_ms: float | None
    labelled_rows: int
    metrics: Mapping[Metric, float]
    estimated: PerformanceEstimate


@dataclass(frozen=True)
class Measuring:
    """What measuring needs of the world."""

    policies: Policies
    rollouts: Rollouts
    references: References
    parts: ProfileParts
    records: Records
    labels: Labels


def measure_performance(
    endpoint: str, *, start: datetime, end: datetime, measuring: Measuring
) -> tuple[Performance, ...]:
    """Return the performance of every release, by its number, on what was asked in [start, end).

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = measuring.policies.get(endpoint)
    labels = measuring.labels.read(endpoint, policy.labels.id_column)
    performances: list[Performance] = []
    for release in measuring.rollouts.releases(endpoint):
        reference = measuring.references.get(endpoint, release.content_digest)
        if reference is None:
            continue
        window = live_window(release, reference, parts=measuring.parts, start=start, end=end)
        profile = window.profile
        labelled = joined(measuring.records.read(endpoint, release.number, start, end), labels)
        metrics: dict[Metric, float] = {}
        if labelled.rows:
            scores = np.asarray(labelled.columns["_score"], dtype=np.float64)
            truth = np.asarray(labelled.columns["_label"], dtype=np.float64)
            metrics = measure(score_table(reference.layout.score, scores, truth), policy.operating_threshold)
        performances.append(
            Performance(
                release.number,
                release.model_version,
                profile.requests,
                profile.failures,
                profile.latency_ms(0.95),
                labelled.rows,
                metrics,
                estimate_of(window, measuring.references.held_out(endpoint, release.content_digest), policy),
            )
        )
    return tuple(performances)
