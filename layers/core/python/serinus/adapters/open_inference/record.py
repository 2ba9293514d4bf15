"""The line that each request leaves in the log: the prediction record, and its metrics (embedded metric format)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from serinus import settings
from serinus.adapters.open_inference.exchange import Exchange
from serinus.adapters.open_inference.log_rules import LogRules
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.domain.tensor import Values, none_for_nan

_METRICS = [
    *(
        {"Name": name, "Unit": "Count", "StorageResolution": 1}
        for name in ("Requests", "Rows", "ClientErrors", "ServerErrors")
    ),
    {"Name": "Latency", "Unit": "Milliseconds", "StorageResolution": 1},
]
_DIRECTIVE = json.dumps(
    [{"Namespace": settings.METRIC_NAMESPACE, "Dimensions": [["endpoint", "release"]], "Metrics": _METRICS}],
    separators=(",", ":"),
)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


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
        features: the values asked about by column, as far as they are to be logged.
        unlogged: the columns that are only counted.
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
    features: Mapping[str, Values] | None = None
    unlogged: Mapping[str, Values] | None = None
    scores: Sequence[float | None] | None = None
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
        record = cls(
            request=request,
            id=done.id,
            at=at,
            latency_ms=latency_ms,
            status=done.status,
            release=release,
            model=released.content_digest if released else "",
            version=released.model_version if released else 0,
            error=done.error,
        )
        if done.asked is None or done.prediction is None:
            return record
        columns = done.asked.features
        logged, unlogged = rules.split(request, columns)
        given = columns if rules.id_column in columns else done.asked.extras
        return replace(
            record,
            rows=done.asked.rows,
            features=logged or None,
            unlogged=unlogged or None,
            scores=none_for_nan(list(done.prediction.scores)),
            row_ids=given.get(rules.id_column) if rules.id_column else None,
        )

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
        return said | {"error": self.error} if self.error is not None else said


def render(endpoint: str, record: Record, said: Mapping[str, Any]) -> str:
    """Return a line of JSON in ASCII: what is said of the request, and its metrics."""
    release = _encode(record.release)
    return (
        f'{{"record":{_encode(said)},"_aws":{{"Timestamp":{int(record.at * 1_000)},'
        f'"CloudWatchMetrics":{_DIRECTIVE}}},"endpoint":{_encode(endpoint)},"release":{release},'
        f'"Requests":1,"Rows":{record.rows},"ClientErrors":{int(400 <= record.status < 500)},'
        f'"ServerErrors":{int(record.status >= 500)},"Latency":{record.latency_ms!r}}}'
    )
