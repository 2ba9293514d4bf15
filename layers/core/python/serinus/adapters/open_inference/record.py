"""The line that each request leaves in the log: the prediction record, and its metrics (embedded metric format)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from serinus import settings
from serinus.adapters.open_inference.exchange import Exchange
from serinus.adapters.open_inference.log_rules import LogRules
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.domain.tensor import Block, Values

_METRICS = [
    *(
        {"Name": name, "Unit": "Count", "StorageResolution": 1}
        for name in ("Requests", "Rows", "ClientErrors", "ServerErrors")
    ),
    {"Name": "Latency", "Unit": "Milliseconds", "StorageResolution": 1},
]
_DIRECTIVE = orjson.Fragment(
    orjson.dumps(
        [{"Namespace": settings.METRIC_NAMESPACE, "Dimensions": [["endpoint", "release"]], "Metrics": _METRICS}]
    )
)
_NONE_UNLOGGED: Mapping[str, Values] = {}


class Record(NamedTuple):
    """What became of one request.

    Attributes:
        request: Lambda's id of it.
        id: the caller's id of it, else Lambda's.
        at: when it arrived, in seconds since the epoch.
        status: the HTTP status it was answered with.
        release: the Lambda version that answered.
        model: the content digest of the model.
        rows: how many rows were scored.
        features: the values asked about, as far as they are to be logged.
        unlogged: the columns that are only counted.
        counted: every input, for where rows do not fit into the line.
        scores: of each row, where it was answered.
        row_ids: what the policy's id column says of each row, where it came.
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
    features: Sequence[Block] = ()
    unlogged: Mapping[str, Values] = _NONE_UNLOGGED
    counted: Sequence[Block] = ()
    scores: Sequence[float] | None = None
    row_ids: Values | None = None
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
        rules: LogRules,
    ) -> Record:
        """Return the record of an exchange. Without a release, which answers 503, model and version are empty."""
        reply, name, asked, prediction, error, _ = done
        model, version = (released.content_digest, released.model_version) if released else ("", 0)
        head = (request, name, at, latency_ms, reply.status, release, model, version)
        if asked is None or prediction is None:
            return cls(*head, error=error)
        blocks = asked.blocks()
        logged, unlogged = rules.split(request, blocks)
        row_ids = _row_ids(rules.id_column, blocks, asked.extras) if rules.id_column else None
        return cls(*head, asked.rows, logged, unlogged, blocks, prediction.scores, row_ids, error)

    def head(self) -> dict[str, Any]:
        """Return what the line says of the request apart from its rows."""
        said: dict[str, Any] = {
            "request": self.request,
            "id": self.id,
            "at": self.at,
            "latency_ms": self.latency_ms,
            "status": self.status,
            "release": self.release,
            "model": self.model,
            "version": self.version,
            "rows": self.rows,
        }
        if self.error is not None:
            said["error"] = self.error
        return said


def render(endpoint: str, record: Record, said: Mapping[str, Any]) -> bytes:
    """Return a line of JSON: what is said of the request, and its metrics. NaN and the infinities become null."""
    status = record.status
    return orjson.dumps(
        {
            "record": said,
            "_aws": {"Timestamp": int(record.at * 1_000), "CloudWatchMetrics": _DIRECTIVE},
            "endpoint": endpoint,
            "release": record.release,
            "Requests": 1,
            "Rows": record.rows,
            "ClientErrors": int(400 <= status < 500),
            "ServerErrors": int(status >= 500),
            "Latency": record.latency_ms,
        },
        default=memoryview.tolist,  # packed numbers are all that is not JSON's already
    )


def _row_ids(name: str, blocks: Sequence[Block], extras: Mapping[str, Values]) -> Values | None:
    for block in blocks:
        if name in block.columns:
            return block.column(block.columns.index(name))
    return extras.get(name)
