"""A metric put with ``StorageResolution`` 1 is a high-resolution metric.

AWS: ``PutMetricData`` keeps values of such a metric by the second, of any other by the minute.

Stock: ``StorageResolution`` is dropped.

Mended: kept with each point, where alarms with a period below a minute look for it.
"""

from __future__ import annotations

import contextvars
from typing import Any

from ministack.services import cloudwatch

from serinus.local_cloud.mends.metric_points import STANDARD_RESOLUTION_SECONDS
from serinus.local_cloud.mends.replacing import replace

_resolution: contextvars.ContextVar[int] = contextvars.ContextVar(
    "serinus_resolution", default=STANDARD_RESOLUTION_SECONDS
)


def _put(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def put(params: dict[str, Any], body: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401
        data = body.get("MetricData") or []
        if len({datum.get("StorageResolution") for datum in data}) <= 1:
            return _put_alike(original, params, body, is_cbor, is_json)
        answer = None
        for datum in data:
            answer = _put_alike(original, params, body | {"MetricData": [datum]}, is_cbor, is_json)
        return answer

    return put


def _put_alike(
    original: Any,  # noqa: ANN401
    params: dict[str, Any],
    body: dict[str, Any],
    is_cbor: bool,
    is_json: bool,
) -> Any:  # noqa: ANN401
    """Put data that share one resolution."""
    data = body.get("MetricData") or [{}]
    token = _resolution.set(int(data[0].get("StorageResolution") or STANDARD_RESOLUTION_SECONDS))
    try:
        return original(params, body, is_cbor, is_json)
    finally:
        _resolution.reset(token)


def _store(original: Any) -> Any:  # noqa: ANN401
    def store(namespace: str, name: str, dims: dict[str, str], *rest: object) -> None:
        points = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dims)))
        before = len(points)
        original(namespace, name, dims, *rest)
        for point in points[before:]:
            point["Resolution"] = _resolution.get()

    return store


def apply() -> None:
    """Apply the mend."""
    replace(cloudwatch, "_put_metric_data", _put)
    replace(cloudwatch, "_store_datum", _store)
