"""What a model takes to serve: bytes, memory, and time, measured in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serinus.domain.gates import MAXIMUM_MODEL_BYTES, Finding
from serinus.domain.model_gates import FootprintLimits

PACE = "footprint:pace"
LONGEST_SCORING_SECONDS = 120.0  # of the held-out rows once, and they are scored a few times within 15 minutes

_MB = 1e6


@dataclass(frozen=True)
class Footprint:
    """What loading and running a model took.

    Attributes:
        row_p50_ms: of single rows, the median.
        row_p95_ms: of single rows, the 95th percentile.
        rows: how many single rows were asked about.
        rows_per_second: in a batch.
        batch_rows: how many rows the batch had.
        memory_mb: by how much the process's memory grew at its highest, in millions of bytes; `None` where that
            cannot be told.
    """

    row_p50_ms: float
    row_p95_ms: float
    rows: int
    rows_per_second: float
    batch_rows: int
    memory_mb: float | None


def quickest(repeats: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the median and the 95th percentile of the repeat that was quickest at each.

    Whatever else a machine does only adds time, so the least of several repeats is nearest to the model's own, and a
    noisy machine fails no good model.

    >>> median, high = quickest([[1.0, 1.0, 9.0], [1.5, 2.0, 2.0], [4.0, 5.0, 6.0]])
    >>> median, round(high, 2)
    (1.0, 2.0)
    """
    return (
        min(float(np.quantile(times, 0.5)) for times in repeats),
        min(float(np.quantile(times, 0.95)) for times in repeats),
    )


def judge_size(limits: FootprintLimits, model_bytes: int) -> Finding:
    """Hold the served file's size against the policy; that no release carries more than the hard limit is told.

    >>> judge_size(FootprintLimits(maximum_model_mb=1), 1_500_000).message
    'the served file weighs 1.50 MB, above maximum_model_mb = 1: make the model smaller, say with fewer trees'
    """
    limit, size = limits.maximum_model_mb, model_bytes / _MB
    numbers = {"mb": size} | ({} if limit is None else {"limit": limit})
    said = f"the served file weighs {size:.2f} MB"
    if limit is not None and size > limit:
        said += f", above maximum_model_mb = {limit:g}: make the model smaller, say with fewer trees"
        return Finding("footprint:size", passed=False, message=said, numbers=numbers)
    most = MAXIMUM_MODEL_BYTES / _MB if limit is None else limit
    return Finding("footprint:size", passed=True, message=f"{said} of at most {most:g}", numbers=numbers)


def judge_pace(found: Footprint, *, rows: int, timeout_seconds: int) -> Finding | None:
    """Say what keeps a model from being looked at any closer; `None` where it is quick enough for that.

    >>> slow = Footprint(12_000.0, 12_000.0, 1, 0.08, 1, None)
    >>> judge_pace(slow, rows=400, timeout_seconds=10).message
    'the model takes 12 s for a row, and the endpoint must answer within serving.timeout_seconds = 10: make it \
smaller'
    >>> slow = Footprint(500.0, 500.0, 4, 2.0, 4, None)
    >>> judge_pace(slow, rows=400, timeout_seconds=10).message
    'the model scores 2 rows a second, so that the 400 held-out rows would take 200 s of the 120 that they may: hold \
out fewer rows, or make the model smaller'

    Args:
        found: measured on a few rows.
        rows: how many are held out.
        timeout_seconds: within which the endpoint must answer.
    """
    row_seconds, needed = found.row_p50_ms / 1000, rows / found.rows_per_second
    numbers = {"row_seconds": row_seconds, "rows_per_second": found.rows_per_second, "rows": float(rows)}
    if row_seconds > timeout_seconds:
        message = (
            f"the model takes {row_seconds:.3g} s for a row, and the endpoint must answer within "
            f"serving.timeout_seconds = {timeout_seconds}: make it smaller"
        )
        return Finding(PACE, passed=False, message=message, numbers=numbers)
    if needed > LONGEST_SCORING_SECONDS:
        message = (
            f"the model scores {found.rows_per_second:.3g} rows a second, so that the {rows} held-out rows would "
            f"take {needed:.0f} s of the {LONGEST_SCORING_SECONDS:g} that they may: hold out fewer rows, or make the "
            "model smaller"
        )
        return Finding(PACE, passed=False, message=message, numbers=numbers)
    return None


def judge_footprint(
    limits: FootprintLimits, found: Footprint, *, memory_mb: int, slo_latency_ms: float
) -> tuple[Finding, ...]:
    """Hold memory and time against the policy, and tell them beside what the endpoint has.

    Args:
        limits: the policy's.
        found: what was measured.
        memory_mb: the inference function's; a model that takes more than all of it cannot be served, so it fails.
        slo_latency_ms: what the rollout calls slow; told, as it counts a request's whole way.
    """
    return (
        _judged_latency(limits, found, slo_latency_ms),
        _judged_throughput(limits, found),
        *_judged_memory(limits, found, memory_mb),
    )


def _judged_latency(limits: FootprintLimits, found: Footprint, slo_latency_ms: float) -> Finding:
    limit = limits.maximum_row_latency_ms
    numbers = {"p50_ms": found.row_p50_ms, "p95_ms": found.row_p95_ms, "rows": float(found.rows)}
    said = (
        f"the model takes {found.row_p50_ms:.3g} ms for a row, {found.row_p95_ms:.3g} at the 95th percentile, of "
        f"slo_latency_ms = {slo_latency_ms:g}"
    )
    if limit is None:
        return Finding("footprint:latency", passed=True, message=said, numbers=numbers)
    numbers["limit"] = limit
    if found.row_p95_ms > limit:
        said += f"; above maximum_row_latency_ms = {limit:g}: make the model smaller, or change [footprint]"
        return Finding("footprint:latency", passed=False, message=said, numbers=numbers)
    message = f"{said}; within maximum_row_latency_ms = {limit:g}"
    return Finding("footprint:latency", passed=True, message=message, numbers=numbers)


def _judged_throughput(limits: FootprintLimits, found: Footprint) -> Finding:
    limit = limits.minimum_rows_per_second
    numbers = {"rows_per_second": found.rows_per_second, "rows": float(found.batch_rows)}
    said = f"the model scores {found.rows_per_second:,.0f} rows a second in a batch of {found.batch_rows}"
    if limit is None:
        return Finding("footprint:batch", passed=True, message=said, numbers=numbers)
    numbers["limit"] = limit
    if found.rows_per_second < limit:
        said += f"; below minimum_rows_per_second = {limit:g}: make the model smaller, or change [footprint]"
        return Finding("footprint:batch", passed=False, message=said, numbers=numbers)
    message = f"{said}; at least minimum_rows_per_second = {limit:g}"
    return Finding("footprint:batch", passed=True, message=message, numbers=numbers)


def _judged_memory(limits: FootprintLimits, found: Footprint, memory_mb: int) -> tuple[Finding, ...]:
    if found.memory_mb is None:
        limited = limits.maximum_memory_mb is not None
        message = "the memory that the model takes cannot be told on this machine, which has no /proc"
        return (Finding("footprint:memory", passed=not limited, message=message),)
    field, limit = "serving.memory_mb", float(memory_mb)
    if limits.maximum_memory_mb is not None and limits.maximum_memory_mb <= limit:
        field, limit = "maximum_memory_mb", limits.maximum_memory_mb
    numbers = {"mb": found.memory_mb, "limit": limit}
    said = f"loading and running the model takes {found.memory_mb:.3g} MB of memory"
    if found.memory_mb > limit:
        said += f", above {field} = {limit:g}: make the model smaller, or change that"
        return (Finding("footprint:memory", passed=False, message=said, numbers=numbers),)
    return (Finding("footprint:memory", passed=True, message=f"{said} of {field} = {limit:g}", numbers=numbers),)
