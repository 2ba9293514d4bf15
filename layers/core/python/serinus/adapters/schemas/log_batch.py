"""What a CloudWatch Logs subscription delivers of an inference function's log."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import numpy as np
from aws_lambda_powertools.utilities.parser.models import CloudWatchLogsModel
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError, field_validator, model_validator

from serinus import settings
from serinus.domain.prediction import Binned, Crash, LogBatch, Prediction
from serinus.domain.table import Column, Table

_STREAM = re.compile(r"\[(?P<version>\d+)\]")
_GROUP_PREFIX = settings.inference_log_group("")
_EPOCH, _FAR = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
_Natural = Annotated[int, Field(ge=0, lt=2**31)]
_LARGEST_FLOAT = 2**1023  # a longer integer of JSON is no float


_Value = float | int | bool | str | None


class _Block(BaseModel):
    """The values of one input of the graph, row by row."""

    columns: Annotated[list[str], Field(min_length=1)]
    data: list[_Value]

    def column(self, at: int) -> list[_Value]:
        """Return the values of one column."""
        return self.data[at :: len(self.columns)]

    @model_validator(mode="after")
    def _rows_are_whole(self) -> _Block:
        if len(self.data) % len(self.columns):
            raise ValueError("the last row is not whole")
        return self


class _Counts(BaseModel):
    slots: list[_Natural]
    times: list[_Natural]


class _Record(BaseModel):
    request: str
    id: str
    at: Annotated[float, Field(ge=0, lt=_FAR.timestamp(), allow_inf_nan=False)]
    latency_ms: float
    status: int
    features: list[_Block] = []
    scores: list[float | None] = []
    row_numbers: list[_Natural] | None = None
    row_ids: list[_Value] | None = None
    layout: str = ""
    bins: dict[str, list[_Natural]] = {}
    counts: _Counts | None = None

    @model_validator(mode="after")
    def _rows_agree(self) -> _Record:
        beside = [self.row_numbers, self.row_ids, *self.bins.values()]
        lengths = {len(block.data) // len(block.columns) for block in self.features}
        lengths |= {len(values) for values in beside if values is not None}
        if len(lengths) > 1 or (self.scores and lengths and lengths != {len(self.scores)}):
            raise ValueError("features and scores differ in length")
        if self.counts and len(self.counts.slots) != len(self.counts.times):
            raise ValueError("slots and times differ in length")
        for values in (*(block.data for block in self.features), self.row_ids or []):
            if any(isinstance(value, int) and abs(value) > _LARGEST_FLOAT for value in values):
                raise ValueError("a feature is beyond any float")
        return self


class _RecordLine(BaseModel):
    record: _Record


class _ReportMetrics(BaseModel):
    durationMs: Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)] = 0  # noqa: N815 - the platform's


class _Report(BaseModel):
    requestId: str  # noqa: N815 - the platform's spelling
    status: str = "success"  # besides: failure, error, timeout
    metrics: _ReportMetrics = _ReportMetrics()


class _ReportLine(BaseModel):
    time: AwareDatetime
    type: Literal["platform.report"]
    record: _Report

    @field_validator("time")
    @classmethod
    def _is_of_our_age(cls, time: datetime) -> datetime:
        if not _EPOCH <= time < _FAR:
            raise ValueError("the time is nonsense")
        return time.astimezone(UTC)


_Line = TypeAdapter[_ReportLine | _RecordLine](_ReportLine | _RecordLine)


def read_log_batch(event: object) -> LogBatch | None:
    """Decode a delivery.

    Lines that are neither prediction records nor the platform's reports are passed over: a log holds what it holds.

    Returns:
        The batch; `None` for a control message, or a stream of `$LATEST`, which serves nobody.

    Raises:
        pydantic.ValidationError: the event is no delivery of CloudWatch Logs.
    """
    data = CloudWatchLogsModel.model_validate(event).awslogs.decoded_data
    version = _STREAM.search(data.logStream)
    if data.messageType != "DATA_MESSAGE" or version is None:
        return None
    lines = [line for entry in data.logEvents if (line := _line(str(entry.message))) is not None]
    return LogBatch(
        endpoint=data.logGroup.removeprefix(_GROUP_PREFIX),
        release=int(version["version"]),
        stream=data.logStream,
        predictions=tuple(_prediction(line.record) for line in lines if isinstance(line, _RecordLine)),
        crashes=tuple(
            Crash(line.record.requestId, _begun(line))
            for line in lines
            if isinstance(line, _ReportLine) and line.record.status != "success"
        ),
    )


def _line(message: str) -> _RecordLine | _ReportLine | None:
    try:
        return _Line.validate_json(message)
    except ValidationError:
        return None


def _begun(line: _ReportLine) -> datetime:
    """Return when the request began: the platform reports when it ended, and how long it took."""
    return max(_EPOCH, line.time - timedelta(milliseconds=line.record.metrics.durationMs))


def _prediction(record: _Record) -> Prediction:
    features = None
    if record.features:
        features = Table(
            {name: _column(block.column(at)) for block in record.features for at, name in enumerate(block.columns)}
        )
    return Prediction(
        request=record.request,
        id=record.id,
        at=datetime.fromtimestamp(record.at, UTC),
        latency_ms=record.latency_ms,
        status=record.status,
        features=features,
        scores=np.array([np.nan if score is None else score for score in record.scores], dtype=np.float64),
        row_numbers=None if record.row_numbers is None else np.array(record.row_numbers, dtype=np.int64),
        row_ids=None if record.row_ids is None else tuple(map(_row_id, record.row_ids)),
        binned=_binned(record) if record.layout else None,
    )


def _binned(record: _Record) -> Binned:
    whole = None
    if record.counts is not None:
        whole = np.array(record.counts.slots, dtype=np.int64), np.array(record.counts.times, dtype=np.int64)
    columns = {name: np.array(numbers, dtype=np.int64) for name, numbers in record.bins.items()}
    return Binned(record.layout, columns, whole)


def _row_id(value: _Value) -> str | None:
    """Return an id as text; one that is a number is written without a fraction, as label files are read."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return None if value is None else str(value)


def _column(values: list[_Value]) -> Column:
    if any(isinstance(value, str) for value in values):
        texts = np.empty(len(values), dtype=object)
        texts[:] = [None if value is None else str(value) for value in values]
        return texts
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
