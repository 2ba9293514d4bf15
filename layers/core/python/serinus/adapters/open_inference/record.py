"""The line that each request leaves in the log: the prediction record, and its metrics (embedded metric format)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus import settings
from serinus.adapters.open_inference.answer import json_values
from serinus.adapters.open_inference.exchange import Exchange
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.use_cases.infer import Values

_LONGEST_LINE_BYTES = 250_000  # CloudWatch Logs cuts events at 256 kB
_METRICS = [
    *(
        {"Name": name, "Unit": "Count", "StorageResolution": 1}
        for name in ("Requests", "Rows", "ClientErrors", "ServerErrors")
    ),
    {"Name": "Latency", "Unit": "Milliseconds", "StorageResolution": 1},
]


@dataclass(frozen=True)
class Record:
    """What became of one request.

    Attributes:
        request: Lambda's id of it.
        id: the caller's id of it, else Lambda's.
        at: when it arrived, in seconds since the epoch.
        status: the HTTP status it was answered with.
        release: the Lambda version that answered.
        model: the content digest of the model.
        rows: how many rows were scored.
        features: the values asked about by column, where they are to be logged.
        scores: of each row, where it was answered.
        error: why it was not answered.
    """

    request: str
    id: str
    at: float
    latency_ms: float
    status: int
    release: str
    model: str
    version: int
    rows: int = 0
    features: Mapping[str, Values] | None = None
    scores: npt.NDArray[np.float64] | None = None
    error: str | None = None

    @classmethod
    def of(
        cls,
        done: Exchange,
        released: ReleasedModel | None,
        *,
        request: str,
        at: float,
        latency_ms: float,
        release: str,
        log_inputs: bool,
    ) -> Record:
        """Return the record of an exchange. Without a release, which answers 503, model and version are empty."""
        answered = done.asked if done.prediction is not None else None
        return cls(
            request=request,
            id=done.id,
            at=at,
            latency_ms=latency_ms,
            status=done.status,
            release=release,
            model=released.content_digest if released else "",
            version=released.model_version if released else 0,
            rows=answered.rows if answered else 0,
            features=answered.features if answered and log_inputs else None,
            scores=done.prediction.scores if done.prediction else None,
            error=done.error,
        )


def line(endpoint: str, record: Record) -> str:
    """Return the record as one line of JSON of at most 250,000 bytes; it leaves out features, then scores, to fit."""
    said = {name: value for name, value in vars(record).items() if value is not None}
    if record.scores is not None:
        said["scores"] = json_values(record.scores)
    metrics = _metrics(endpoint, record)
    text = json.dumps({"record": said} | metrics)
    for droppable in ("features", "scores"):
        if len(text) > _LONGEST_LINE_BYTES:  # ASCII, so that characters are bytes
            said.pop(droppable, None)
            text = json.dumps({"record": said} | metrics)
    return text


def _metrics(endpoint: str, record: Record) -> dict[str, Any]:
    return {
        "_aws": {
            "Timestamp": int(record.at * 1_000),
            "CloudWatchMetrics": [
                {
                    "Namespace": settings.METRIC_NAMESPACE,
                    "Dimensions": [["endpoint", "release"]],
                    "Metrics": _METRICS,
                }
            ],
        },
        "endpoint": endpoint,
        "release": record.release,
        "Requests": 1,
        "Rows": record.rows,
        "ClientErrors": int(400 <= record.status < 500),
        "ServerErrors": int(record.status >= 500),
        "Latency": record.latency_ms,
    }
