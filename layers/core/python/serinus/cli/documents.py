"""The JSON documents of `--json`. Scripts depend on them: add to them freely, take nothing away."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.adapters.schemas.rollout_documents import rollout_document
from serinus.domain.ledger import LedgerEntry, LiveInterval
from serinus.domain.model_version import ModelVersion
from serinus.use_cases.describe_endpoint import EndpointStatus
from serinus.use_cases.measure_performance import Performance
from serinus.use_cases.push_model import PushProgress


def push_document(pushed: PushProgress) -> dict[str, object]:
    """What became of a push."""
    return {
        "endpoint": pushed.endpoint,
        "upload": pushed.upload,
        "stage": str(pushed.stage),
        "finished": pushed.finished,
        "succeeded": pushed.succeeded,
        "reason": pushed.reason,
        "version": None if pushed.version is None else version_document(pushed.version),
        "rollout": None if pushed.rollout is None else rollout_document(pushed.rollout),
    }


def version_document(version: ModelVersion) -> dict[str, object]:
    """A model version."""
    return {
        "version": version.number,
        "status": str(version.status),
        "registered_at": version.registered_at.isoformat(),
        "content_digest": version.content_digest,
        "size_bytes": version.size_bytes,
        "metrics": {str(metric): value for metric, value in version.metrics.items()},
        "findings": [
            {
                "gate": finding.gate,
                "passed": finding.passed,
                "message": finding.message,
                "numbers": dict(finding.numbers),
            }
            for finding in version.findings
        ],
        "lineage": dict(version.manifest.lineage),
    }


def status_document(status: EndpointStatus, measured: Sequence[Performance] | None = None) -> dict[str, object]:
    """How an endpoint stands; without `performance` where it was not measured."""
    document: dict[str, object] = {
        "endpoint": status.policy.endpoint,
        "policy": status.policy.digest,
        "live": live_document(status),
        "rollout": None
        if status.rollout is None
        else {**rollout_document(status.rollout), "changes": list(status.changes)},
        "versions": [version_document(version) for version in status.versions],
    }
    if measured is not None:
        document["performance"] = [_performance_document(performance) for performance in measured]
    return document


def live_document(status: EndpointStatus) -> list[dict[str, object]]:
    """Where traffic goes now, stable first; `version` is null where nothing is released yet."""
    split = status.split
    sides = [("stable", split.stable, 100 - split.candidate_percent)]
    if split.candidate is not None:
        sides.append(("candidate", split.candidate, split.candidate_percent))
    return [
        {"side": side, "release": release, "version": status.model_version_of(release), "percent": percent}
        for side, release, percent in sides
    ]


def interval_document(interval: LiveInterval, versions: dict[int, int]) -> dict[str, object]:
    """What was live from `start` to `end`; `versions` maps releases to model versions."""
    candidate = interval.candidate
    return {
        "start": interval.start.isoformat(),
        "end": None if interval.end is None else interval.end.isoformat(),
        "stable": interval.stable,
        "stable_version": versions.get(interval.stable),
        "candidate": candidate,
        "candidate_version": None if candidate is None else versions.get(candidate),
        "candidate_percent": interval.candidate_percent,
    }


def entry_document(entry: LedgerEntry, words: str) -> dict[str, object]:
    """A ledger entry, and the same in words."""
    return {
        "sequence": entry.sequence,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "action": str(entry.action),
        "words": words,
        "details": dict(entry.details),
        "digest": entry.digest,
    }


def _performance_document(performance: Performance) -> dict[str, object]:
    return {
        "release": performance.release,
        "version": performance.model_version,
        "requests": performance.requests,
        "failures": performance.failures,
        "latency_p95_ms": performance.latency_p95_ms,
        "labelled_rows": performance.labelled_rows,
        "metrics": {str(metric): value for metric, value in performance.metrics.items()},
    }
