"""Metric values are stored once each, by many threads at a time, without a point for every request.

AWS: every value counts.

Stock: each CloudWatch request rewrites the lists of all metrics, to drop points of two weeks ago; what an invocation
records meanwhile is lost.

Mended: old points are dropped in place, now and then, under the lock that recording takes. Equal values of one metric
in the same second become one point with a count, which is all that any statistic needs. The mends that publish
metrics share :func:`record`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch

from serinus.local_cloud.mends.replacing import replace

STANDARD_RESOLUTION_SECONDS = 60

EVICTION_SECONDS = 60.0

_lock = threading.Lock()


def record(
    namespace: str,
    name: str,
    value: float,
    dimensions: Mapping[str, str],
    *,
    unit: str = "None",
    at: float | None = None,
    resolution_seconds: int = STANDARD_RESOLUTION_SECONDS,
) -> None:
    """Record one value in the account and region of the current request."""
    at = time.time() if at is None else at
    with _lock:
        points = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dict(dimensions))))
        last: dict[str, Any] | None = points[-1] if points else None
        if (
            last is not None
            and "_stat" not in last
            and last["Value"] == value
            and int(last["Timestamp"]) == int(at)
            and last.get("Resolution") == resolution_seconds
        ):
            last["Count"] = last.get("Count", 1.0) + 1.0
            return
        points.append(
            {
                "Timestamp": at,
                "Value": float(value),
                "Unit": unit,
                "Dimensions": dict(dimensions),
                "Resolution": resolution_seconds,
            }
        )


def _evict(_original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    last = time.monotonic()

    def evict() -> None:
        nonlocal last
        if time.monotonic() - last < EVICTION_SECONDS:
            return
        last = time.monotonic()
        oldest = time.time() - cloudwatch.TWO_WEEKS_SECONDS
        with _lock:
            for points in cloudwatch._metrics.values():
                if points and points[0]["Timestamp"] < oldest:
                    points[:] = [point for point in points if point["Timestamp"] >= oldest]

    return evict


def apply() -> None:
    """Apply the mend."""
    replace(cloudwatch, "_evict_old_metrics", _evict)
