"""The JSON documents of `--json`. Scripts depend on them: add to them freely, take nothing away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from serinus.adapters.schemas.rollout_documents import rollout_document
from serinus.domain.ledger import LedgerEntry, LiveInterval
from serinus.domain.metric import Metric
from serinus.domain.model_version import ModelVersion
from serinus.domain.performance_estimate import Estimate, PerformanceEstimate
from serinus.domain.policy import Policy
from serinus.domain.realised import RealisedGroup
from serinus.domain.shifts import Shift
from serinus.use_cases.describe_endpoint import EndpointStatus
from serinus.use_cases.look_for_drift import DriftLook
from serinus.use_cases.measure_performance import MeasuredPerformance, Performance
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
        "metrics": _intervals(estimated.metrics),
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
    selection = performance.selection
    return {
        "release": performance.release,
        "version": performance.model_version,
        "requests": performance.requests,
        "failures": performance.failures,
        "latency_p95_ms": performance.latency_p95_ms,
        "labelled_rows": performance.labelled_rows,
        "metrics": {str(metric): value for metric, value in performance.metrics.items()},
        "estimated": estimate_document(performance.estimated),
        "realised": group_document(performance.realised),
        "days": [group_document(day) for day in performance.days],
        "slices": {
            column: [group_document(group) for group in groups] for column, groups in performance.slices.items()
        },
        "selection": {**asdict(selection), "is_biased": selection.is_biased},
        "notes": list(performance.notes),
    }


def group_document(group: RealisedGroup) -> dict[str, object]:
    """A release, a day or a slice: by its labels, as expected of the same rows, and by estimate of all."""
    return {
        "name": group.name,
        "rows": group.rows,
        "labelled_rows": group.labelled_rows,
        "labelled_share": group.labelled_share,
        "realised": _intervals(group.realised),
        "expected": _intervals(group.expected),
        "estimated": _intervals(group.estimated),
        "chances": {str(metric): chance for metric, chance in group.chances.items()},
        "as_expected": {str(metric): group.is_expected(metric) for metric in group.chances},
    }


def measured_document(policy: Policy, measured: MeasuredPerformance, minutes: int) -> dict[str, object]:
    """What every release of an endpoint did in a window, and what was found in the label files."""
    read = measured.labels
    return {
        "endpoint": policy.endpoint,
        "minutes": minutes,
        "confidence": policy.performance.confidence,
        "releases": [performance_document(found) for found in measured.releases],
        "labels": {
            "files": read.files,
            "rows": read.rows,
            "labels": read.labels,
            "corrected": read.corrected,
            "unmet": read.unmet,
            "findings": list(read.findings),
        },
    }


def _intervals(metrics: Mapping[Metric, Estimate]) -> dict[str, object]:
    return {str(metric): asdict(found) for metric, found in metrics.items()}


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
        "joint": None if report.joint is None else shift_document(report.joint),
        "slices": [asdict(each) for each in look.slices],
    }


def shift_document(shift: Shift) -> dict[str, object]:
    """How far one column has moved."""
    return {**asdict(shift), "moved": list(shift.moved), "drifted": shift.drifted, "impact": shift.impact}
