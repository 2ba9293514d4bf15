"""Metrics embedded in log lines become metrics.

AWS: a log event that is a JSON object with an ``_aws`` member in the embedded metric format is parsed when it reaches
CloudWatch Logs: each named member, a number or an array of numbers, is recorded under each dimension set, at
``_aws.Timestamp``; ``StorageResolution`` 1 makes it a high-resolution metric.

Stock: log lines are stored and nothing else.

Mended: parsed where log events arrive, from Lambda and from PutLogEvents alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch_logs

from serinus.local_cloud.mends.metric_points import STANDARD_RESOLUTION_SECONDS, record
from serinus.local_cloud.mends.replacing import replace


@dataclass(frozen=True)
class EmbeddedValue:
    """One value of one metric under one dimension set."""

    namespace: str
    name: str
    value: float
    unit: str
    dimensions: Mapping[str, str]
    at: float | None
    resolution_seconds: int


def embedded_values(message: str) -> Iterator[EmbeddedValue]:
    """The metric values in a log line; none where it is not in the format.

    A dimension set that names a member the line lacks is left out, as is a metric without a number.
    """
    if '"_aws"' not in message:
        return
    try:
        line = json.loads(message)
    except ValueError:
        return
    meta = line.get("_aws") if isinstance(line, dict) else None
    if not isinstance(meta, dict):
        return
    at = meta["Timestamp"] / 1000 if isinstance(meta.get("Timestamp"), int | float) else None
    for directive in meta.get("CloudWatchMetrics") or []:
        for names in directive.get("Dimensions") or [[]]:
            if all(name in line for name in names):
                dimensions = {name: str(line[name]) for name in names}
                yield from _values(line, directive, dimensions, at)


def _values(
    line: Mapping[str, Any], directive: Mapping[str, Any], dimensions: Mapping[str, str], at: float | None
) -> Iterator[EmbeddedValue]:
    for metric in directive.get("Metrics") or []:
        held = line.get(metric["Name"])
        for value in held if isinstance(held, list) else [held]:
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield EmbeddedValue(
                    directive["Namespace"],
                    metric["Name"],
                    float(value),
                    metric.get("Unit", "None"),
                    dimensions,
                    at,
                    int(metric.get("StorageResolution", STANDARD_RESOLUTION_SECONDS)),
                )


def _fanout(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def fanout(group_name: str, stream_name: str, events: list[dict[str, Any]]) -> None:
        for event in events:
            for found in embedded_values(event.get("message", "")):
                record(
                    found.namespace,
                    found.name,
                    found.value,
                    found.dimensions,
                    unit=found.unit,
                    at=found.at,
                    resolution_seconds=found.resolution_seconds,
                )
        original(group_name, stream_name, events)

    return fanout


def apply() -> None:
    """Apply the mend."""
    replace(cloudwatch_logs, "_fanout_to_subscription_filters", _fanout)
