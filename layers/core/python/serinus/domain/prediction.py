"""What the log says of one request, as `infer` writes it and `collect_predictions` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from serinus.domain.profile import Layout, Outcome, RequestCounts
from serinus.domain.table import Column, Table


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answered request.

    Attributes:
        request: the platform's id of the invocation, unique to it and the same in every delivery of the log.
        id: the caller's own id, by which labels come; the request's where the caller gave none.
        features: the rows asked about, where the policy logs them.
        scores: one a row; empty where the request was refused or failed.
    """

    request: str
    id: str
    at: datetime
    latency_ms: float
    status: int
    features: Table | None
    scores: npt.NDArray[np.float64]

    @property
    def outcome(self) -> Outcome:
        """How the request ended."""
        if self.status >= 500:
            return Outcome.SERVER_ERROR
        return Outcome.CLIENT_ERROR if self.status >= 400 else Outcome.ANSWERED

    def counted(self, layout: Layout) -> RequestCounts:
        """Count the request and its rows."""
        slots = [layout.request_slots(self.outcome, self.latency_ms)]
        if self.scores.size:
            slots.append(layout.row_slots(self.features or Table({}), self.scores))
        return RequestCounts(self.request, self.at, np.concatenate(slots))


@dataclass(frozen=True)
class Crash:
    """A request that ended without an answer of ours: a timeout, an out-of-memory kill, a crash."""

    request: str
    at: datetime

    def counted(self, layout: Layout) -> RequestCounts:
        """Count the request; a later record of the same request would not contradict it."""
        return RequestCounts(f"{self.request}/crash", self.at, layout.request_slots(Outcome.CRASHED, None))


@dataclass(frozen=True, eq=False)
class LogBatch:
    """One delivery of the log: of one stream, which is one environment of one release."""

    endpoint: str
    release: int
    stream: str
    predictions: tuple[Prediction, ...]
    crashes: tuple[Crash, ...]


def records_of(predictions: list[Prediction]) -> Table:
    """Return one row a scored row, as `ports.Records` keeps them; our own columns begin with an underscore."""
    scored = [prediction for prediction in predictions if prediction.scores.size and prediction.features is not None]
    repeat = [len(prediction.scores) for prediction in scored]
    if not scored:
        return Table({})
    names = list(
        dict.fromkeys(name for prediction in scored if prediction.features for name in prediction.features.columns)
    )
    own = {
        "_request": np.repeat(np.array([prediction.request for prediction in scored], dtype=object), repeat),
        "_id": np.repeat(np.array([prediction.id for prediction in scored], dtype=object), repeat),
        "_row": np.concatenate([np.arange(rows, dtype=np.float64) for rows in repeat]),
        "_at": np.repeat(np.array([prediction.at.timestamp() for prediction in scored]), repeat),
        "_score": np.concatenate([prediction.scores for prediction in scored]),
    }
    features = {
        name: _stacked([prediction.features.columns[name] for prediction in scored if prediction.features])
        for name in names
    }
    return Table(own | features)


def _stacked(columns: list[Column]) -> Column:
    """Join what the requests gave for one feature; where some gave text, a number is text and NaN is missing."""
    if all(column.dtype != object for column in columns):
        return np.concatenate(columns).astype(np.float64)
    values = [value for column in columns for value in column.tolist()]
    texts = np.empty(len(values), dtype=object)
    texts[:] = [None if value is None or value != value else str(value) for value in values]
    return texts
