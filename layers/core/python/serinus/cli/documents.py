"""The JSON documents of `--json`. Scripts depend on them: add to them freely, take nothing away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from serinus.adapters.schemas.rollout_documents import rollout_document
from serinus.domain.ledger import LedgerEntry, LiveInterval
from serinus.domain.model_version import ModelVersion
from serinus.domain.performance_estimate import PerformanceEstimate
from serinus.domain.shifts import Shift
from serinus.use_cases.describe_endpoint import EndpointStatus
from serinus.use_cases.look_for_drift import DriftLook
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
        document["performance"] = [performance_document(performance) for performance in measured]
    return document


def estimate_document(estimated: PerformanceEstimate) -> dict[str, object]:
    """What scores alone say of a window's performance, with intervals."""
    return {
        "rows": estimated.rows,
        "metrics": {
            str(metric): {"value": found.value, "low": found.low, "high": found.high}
            for metric, found in estimated.metrics.items()
        },
        "unknown_share": estimated.unknown_share,
    }


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


def performance_document(performance: Performance) -> dict[str, object]:
    """What a release did in a window, by its labels and by estimate."""
    return {
        "release": performance.release,
        "version": performance.model_version,
        "requests": performance.requests,
        "failures": performance.failures,
        "latency_p95_ms": performance.latency_p95_ms,
        "labelled_rows": performance.labelled_rows,
        "metrics": {str(metric): value for metric, value in performance.metrics.items()},
        "estimated": estimate_document(performance.estimated),
    }


def drift_document(endpoint: str, look: DriftLook | None) -> dict[str, object]:
    """What a look at drift found; `release` is null where nothing is released yet."""
    if look is None:
        return {"endpoint": endpoint, "release": None}
    report, release = look.report, look.window.release
    shifts = [*([report.score] if report.score else []), *report.ranked]
    return {
        "endpoint": endpoint,
        "release": release.number,
        "version": release.model_version,
        "start": look.window.start.isoformat(),
        "end": look.window.end.isoformat(),
        "rows": report.rows,
        "enough": report.enough,
        "drifted": report.drifted,
        "level": report.level,
        "past_windows": report.past_windows,
        "compared_with": str(report.baseline),
        "columns": [shift_document(shift) for shift in shifts],
    }


def shift_document(shift: Shift) -> dict[str, object]:
    """How far one column has moved."""
    return {**asdict(shift), "moved": list(shift.moved), "drifted": shift.drifted, "impact": shift.impact}
