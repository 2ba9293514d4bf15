"""What the log says of one request, as `infer` writes it and `collect_predictions` reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, Slots
from serinus.domain.layout import Layout, Outcome
from serinus.domain.profile import CRASHED, RequestCounts
from serinus.domain.table import Column, Table


@dataclass(frozen=True, eq=False)
class Binned:
    """What the inference function counted itself, because its log does not say it.

    Attributes:
        layout: the digest of the layout that it counted by.
        columns: bin numbers of columns that are not logged, one a row.
        whole: slots that all rows of the request count into and how often, where only a sample of them is logged.
    """

    layout: str
    columns: Mapping[str, Slots]
    whole: tuple[Slots, Counts] | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answered request.

    Attributes:
        request: the platform's id of the invocation, unique to it and the same in every delivery of the log.
        id: the caller's own id, by which labels come; the request's where the caller gave none.
        features: the rows asked about, as far as the policy logs them.
        scores: one a logged row; empty where the request was refused or failed.
        row_numbers: which rows of the request are logged; `None` is all of them.
        row_ids: what the policy's id column says of each logged row, `None` where it says nothing.
        binned: what is known of what is not logged.
    """

    request: str
    id: str
    at: datetime
    latency_ms: float
    status: int
    features: Table | None
    scores: npt.NDArray[np.float64]
    row_numbers: npt.NDArray[np.int64] | None = None
    row_ids: tuple[str | None, ...] | None = None
    binned: Binned | None = None

    @property
    def outcome(self) -> Outcome:
        """How the request ended."""
        if self.status >= 500:
            return Outcome.SERVER_ERROR
        return Outcome.CLIENT_ERROR if self.status >= 400 else Outcome.ANSWERED

    def counted(self, layout: Layout) -> RequestCounts:
        """Count the request and its rows; jointly only those that are logged, as nobody counted the others so."""
        slots = layout.request_slots(self.outcome, self.latency_ms)
        binned = self.binned if self.binned and self.binned.layout == layout.digest else None
        if binned and binned.whole and _are_row_slots(binned.whole, layout):
            whole, times = binned.whole
            logged = layout.joint_slots(self.features or Table({}), binned.columns)
            joint, of_joint = np.unique(logged, return_counts=True)
            return RequestCounts(
                self.request,
                self.at,
                np.concatenate([slots, whole, joint]),
                np.concatenate([np.ones(slots.size, dtype=np.int64), times, of_joint]),
            )
        if self.scores.size:
            rows = layout.row_slots(self.features or Table({}), self.scores, binned.columns if binned else None)
            slots = np.concatenate([slots, rows])
        return RequestCounts(self.request, self.at, slots)


def counted(predictions: Sequence[Prediction], layout: Layout) -> tuple[RequestCounts, ...]:
    """Count requests, those of which the log says the same columns together, which is many times faster."""
    alike: dict[tuple[tuple[str, ...], ...], list[Prediction]] = defaultdict(list)
    found: list[RequestCounts] = []
    for prediction in predictions:
        binned = prediction.binned
        if not prediction.scores.size or (binned and (binned.whole or binned.layout != layout.digest)):
            found.append(prediction.counted(layout))
        else:
            features = tuple(prediction.features.columns) if prediction.features else ()
            alike[features, tuple(binned.columns) if binned else ()].append(prediction)
    for (_, bins), together in alike.items():
        found += _counted_together(together, bins, layout)
    return tuple(found)


def _counted_together(
    predictions: list[Prediction], bins: tuple[str, ...], layout: Layout
) -> Iterable[RequestCounts]:
    scores = np.concatenate([prediction.scores for prediction in predictions])
    features = Table(_features(predictions))
    binned = {name: np.concatenate([one.binned.columns[name] for one in predictions if one.binned]) for name in bins}
    slots = layout.row_slots(features, scores, binned)
    if slots.size != scores.size * layout.sections(features.columns.keys() | binned.keys()):
        return [prediction.counted(layout) for prediction in predictions]  # some bin is none: it is passed over alone
    latencies = layout.latency.slots(np.array([prediction.latency_ms for prediction in predictions]))
    ends = np.cumsum([prediction.scores.size for prediction in predictions])[:-1]
    return [
        RequestCounts(
            prediction.request,
            prediction.at,
            np.concatenate([[int(prediction.outcome), latency + layout.latency_section.start], rows.ravel()]),
        )
        for prediction, latency, rows in zip(
            predictions, latencies.tolist(), np.split(slots.reshape(-1, scores.size), ends, axis=1), strict=True
        )
    ]


def _are_row_slots(whole: tuple[Slots, Counts], layout: Layout) -> bool:
    slots, times = whole
    first = layout.score_section.start
    return bool(slots.size and first <= slots.min() and slots.max() < layout.joint_start and times.min() >= 0)


@dataclass(frozen=True)
class Crash:
    """A request that ended without an answer of ours: a timeout, an out-of-memory kill, a crash.

    Attributes:
        at: when it began, as near as the platform tells, so that it meets its record if it left one.
    """

    request: str
    at: datetime

    def counted(self, layout: Layout) -> RequestCounts:
        """Count the request; one that left a record as well is counted once."""
        return RequestCounts(f"{self.request}{CRASHED}", self.at, layout.request_slots(Outcome.CRASHED, None))


@dataclass(frozen=True, eq=False)
class LogBatch:
    """One delivery of the log: of one stream, which is one environment of one release."""

    endpoint: str
    release: int
    stream: str
    predictions: tuple[Prediction, ...]
    crashes: tuple[Crash, ...]


def records_of(predictions: list[Prediction]) -> Table:
    """Return one row a logged row, as `ports.Records` keeps them; our own columns begin with an underscore."""
    scored = [prediction for prediction in predictions if prediction.scores.size]
    repeat = [len(prediction.scores) for prediction in scored]
    if not scored:
        return Table({})
    own: dict[str, Column] = {
        "_request": np.repeat(np.array([prediction.request for prediction in scored], dtype=object), repeat),
        "_id": np.repeat(np.array([prediction.id for prediction in scored], dtype=object), repeat),
        "_row": np.concatenate([_row_numbers(prediction) for prediction in scored]),
        "_row_id": np.concatenate([_row_ids(prediction) for prediction in scored]),
        "_at": np.repeat(np.array([prediction.at.timestamp() for prediction in scored]), repeat),
        "_inputs": np.repeat(np.array([float(prediction.features is not None) for prediction in scored]), repeat),
        "_score": np.concatenate([prediction.scores for prediction in scored]),
        "_latency_ms": np.repeat(np.array([prediction.latency_ms for prediction in scored]), repeat),
    }
    return Table(own | _features(scored))


def _row_numbers(prediction: Prediction) -> npt.NDArray[np.float64]:
    if prediction.row_numbers is not None:
        return prediction.row_numbers.astype(np.float64)
    return np.arange(len(prediction.scores), dtype=np.float64)


def _row_ids(prediction: Prediction) -> npt.NDArray[np.object_]:
    ids = np.full(len(prediction.scores), None, dtype=object)
    if prediction.row_ids is not None:
        ids[:] = prediction.row_ids
    return ids


def _features(scored: list[Prediction]) -> dict[str, Column]:
    logged = [prediction.features or Table({}) for prediction in scored]
    names = dict.fromkeys(name for table in logged for name in table.columns)
    missing = [np.full(len(prediction.scores), np.nan) for prediction in scored]
    return {
        name: _stacked([table.columns.get(name, nothing) for table, nothing in zip(logged, missing, strict=True)])
        for name in names
    }


def _stacked(columns: list[Column]) -> Column:
    """Join what the requests gave for one feature; where some gave text, a number is text and NaN is missing."""
    if all(column.dtype != object for column in columns):
        return np.concatenate(columns).astype(np.float64)
    values = [value for column in columns for value in column.tolist()]
    texts = np.empty(len(values), dtype=object)
    texts[:] = [None if value is None or value != value else str(value) for value in values]
    return texts
