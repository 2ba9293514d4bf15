"""Deliveries of the log: what is a record is read, and whatever else stands in a log is passed over."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from serinus.adapters.schemas.log_batch import read_log_batch
from serinus.domain.prediction import LogBatch, records_of
from serinus.domain.profile import ProfilePart, minute_of
from tests.builders import a_layout

RECORD = {
    "request": "r1",
    "id": "order-7",
    "at": 1_772_625_600.25,
    "latency_ms": 1.5,
    "status": 200,
    "release": "3",
    "model": "f" * 64,
    "version": 2,
    "rows": 2,
    "features": [
        {"columns": ["amount", "colour"], "data": [1.5, "red", None, None]},
        {"columns": ["flag"], "data": [True, False]},
    ],
    "scores": [0.25, None],
}
REPORT = {"time": "2026-03-04T12:00:00.250Z", "type": "platform.report", "record": {"requestId": "r2"}}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def a_delivery(
    *messages: str, kind: str = "DATA_MESSAGE", stream: str = "2026/03/04/[3]abc", group: str = "fraud"
) -> dict[str, object]:
    """Return the event that a subscription sends."""
    batch = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": f"/aws/lambda/serinus-endpoint-{group}",
        "logStream": stream,
        "subscriptionFilters": ["predictions"],
        "logEvents": [
            {"id": str(number), "timestamp": 1_772_625_600_000, "message": message}
            for number, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}


def read(*messages: object) -> LogBatch:
    """Read a delivery of these lines, as JSON where they are no text."""
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    batch = read_log_batch(a_delivery(*lines))
    assert batch is not None
    return batch


def record(**changed: object) -> dict[str, object]:
    """Return a line with these fields of the record changed."""
    return {"record": {**RECORD, **changed}}


def test_a_record_is_a_prediction() -> None:
    """Numbers, texts and flags keep their kind; null is missing."""
    batch = read(record())
    (prediction,) = batch.predictions
    assert (batch.endpoint, batch.release, batch.stream) == ("fraud", 3, "2026/03/04/[3]abc")
    assert (prediction.request, prediction.id, prediction.status) == ("r1", "order-7", 200)
    assert prediction.at == datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
    assert prediction.features is not None
    assert prediction.features.columns["colour"].tolist() == ["red", None]
    assert prediction.features.columns["flag"].tolist() == [1.0, 0.0]
    assert np.isnan(np.asarray(prediction.features.columns["amount"], dtype=np.float64)).tolist() == [False, True]
    assert np.isnan(prediction.scores).tolist() == [False, True]


def test_a_refused_request_has_neither_features_nor_scores() -> None:
    """It is a prediction all the same."""
    (prediction,) = read(
        {"record": {key: RECORD[key] for key in ("request", "id", "at", "latency_ms", "status")}}
    ).predictions
    assert prediction.features is None
    assert prediction.scores.size == 0


@pytest.mark.parametrize("status", ["failure", "error", "timeout", "something new"])
def test_a_report_of_a_dead_request_is_a_crash(status: str) -> None:
    """It tells the request and the time; one of success tells nothing new."""
    dead = {**REPORT, "record": {"requestId": "r2", "status": status}}
    batch = read(dead, REPORT)
    (crash,) = batch.crashes
    assert (crash.request, crash.at) == ("r2", datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC))


DEATHS = {
    "timeout": {
        "status": "timeout",
        "metrics": {"durationMs": 3000.0, "billedDurationMs": 3000, "memorySizeMB": 512},
    },
    "out of memory": {
        "status": "error",
        "errorType": "Runtime.OutOfMemory",
        "metrics": {"durationMs": 3000.0, "maxMemoryUsedMB": 512},
    },
    "exit": {"status": "error", "errorType": "Runtime.ExitError", "metrics": {"durationMs": 3000.0}},
    "failed start": {
        "status": "error",
        "errorType": "Runtime.Unknown",
        "metrics": {"durationMs": 3000.0, "initDurationMs": 900.1},
        "spans": [],
        "tracing": {"spanId": "5", "type": "X-Amzn-Trace-Id", "value": "Root=1-2"},
    },
}


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_a_crash_is_counted_when_the_request_began(death: dict[str, object]) -> None:
    """As its record is, so that the two meet; the platform reports the end, and how long it took."""
    line = {"time": "2026-03-04T12:01:02.500Z", "type": "platform.report", "record": {"requestId": "r2", **death}}
    (crash,) = read(line).crashes
    assert (crash.request, crash.at) == ("r2", datetime(2026, 3, 4, 12, 0, 59, 500_000, tzinfo=UTC))


@pytest.mark.parametrize(
    "kind",
    [
        "platform.start",
        "platform.runtimeDone",
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.restoreReport",
        "platform.logsDropped",
    ],
)
def test_other_words_of_the_platform_count_nothing(kind: str) -> None:
    """A start that failed is told again in the report of the request that failed with it."""
    said = {"requestId": "r2", "status": "error", "errorType": "Runtime.ExitError", "phase": "init"}
    batch = read({"time": "2026-03-04T12:00:00.250Z", "type": kind, "record": said})
    assert (batch.predictions, batch.crashes) == ((), ())


def test_what_was_binned_is_read() -> None:
    """Bin numbers, counts of all rows, and which of them are logged."""
    layout = "a" * 64
    counts = {"slots": [4, 9], "times": [2, 1]}
    (prediction,) = read(
        record(layout=layout, bins={"age": [3, 0]}, counts=counts, row_numbers=[4, 17], row_ids=[12, "x-1"])
    ).predictions
    assert prediction.binned is not None
    assert prediction.binned.layout == layout
    assert {name: column.tolist() for name, column in prediction.binned.columns.items()} == {"age": [3, 0]}
    assert prediction.binned.whole is not None
    assert [column.tolist() for column in prediction.binned.whole] == [[4, 9], [2, 1]]
    assert prediction.row_numbers is not None
    assert prediction.row_numbers.tolist() == [4, 17]
    assert prediction.row_ids == ("12", "x-1")


def test_ids_of_rows_are_read_as_label_files_are() -> None:
    """A number is written without a fraction; a missing one is missing."""
    (prediction,) = read(record(row_ids=[7.0, None])).predictions
    assert prediction.row_ids == ("7", None)


@pytest.mark.parametrize(
    ("kind", "stream"), [("CONTROL_MESSAGE", "2026/03/04/[3]abc"), ("DATA_MESSAGE", "2026/03/04/[$LATEST]abc")]
)
def test_what_serves_nobody_is_no_batch(kind: str, stream: str) -> None:
    """Control messages and streams of `$LATEST` are passed over whole."""
    assert read_log_batch(a_delivery(json.dumps(record()), kind=kind, stream=stream)) is None


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: r1 Version: 3",
        "",
        "{",
        record(at=1e300),
        record(at=-1.0),
        '{"record": {"request": "r", "id": "i", "at": NaN, "latency_ms": 1, "status": 200}}',
        '{"record": {"request": "r", "id": "i", "at": Infinity, "latency_ms": 1, "status": 200}}',
        record(features=[{"columns": ["a"], "data": [1.0]}, {"columns": ["b"], "data": [1.0, 2.0]}]),
        record(features=[{"columns": ["a", "b"], "data": [1.0, 2.0, 3.0, 4.0, 5.0]}]),
        record(features=[{"columns": [], "data": []}]),
        record(features=[{"columns": ["a"], "data": [1.0]}], scores=[0.1, 0.2]),
        record(features=[{"columns": ["a"], "data": [10**400, 1]}]),
        record(request=None),
        record(row_numbers=[1]),
        record(row_ids=["a"]),
        record(bins={"age": [1]}),
        record(bins={"age": [-1, 0]}),
        record(counts={"slots": [1], "times": []}),
        record(counts={"slots": [2**63], "times": [1]}),
        record(row_ids=[10**400, 1]),
        {**REPORT, "time": "2026-03-04T12:00:00", "record": {"requestId": "r", "status": "timeout"}},
        {**REPORT, "time": "0001-01-01T00:00:00+14:00", "record": {"requestId": "r", "status": "timeout"}},
        {**REPORT, "time": "9999-12-31T23:59:59-14:00", "record": {"requestId": "r", "status": "timeout"}},
        {"record": "r"},
    ],
)
def test_a_line_that_is_no_sound_record_is_passed_over(line: object) -> None:
    """One bad line does not cost the good ones beside it, nor poison the delivery."""
    batch = read(line, record())
    assert len(batch.predictions) == 1
    assert batch.crashes == ()


@given(st.lists(st.text(max_size=60) | JSON.map(json.dumps), max_size=6))
def test_garbage_never_raises(lines: list[str]) -> None:
    """Whatever an application logs."""
    assert read_log_batch(a_delivery(*lines)) is not None


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "request": st.text(max_size=5) | JSON,
            "at": st.floats() | st.integers() | JSON,
            "latency_ms": st.floats() | JSON,
            "status": st.integers() | JSON,
            "features": st.lists(
                st.fixed_dictionaries(
                    {"columns": st.lists(st.sampled_from(["amount", "colour"])), "data": st.lists(JSON, max_size=4)}
                )
            )
            | JSON,
            "scores": st.lists(st.floats() | JSON, max_size=3),
        },
    )
)
def test_a_damaged_record_never_raises_and_what_is_taken_can_be_counted(changed: dict[str, object]) -> None:
    """What is not passed over has a minute, counts, and records."""
    layout = a_layout()
    for prediction in read(record(**changed)).predictions:
        if prediction.features is not None and prediction.features.columns.keys() <= {"amount", "colour"}:
            assert len(minute_of(prediction.at)) == 16
            if prediction.features.columns.get("amount", np.zeros(0)).dtype != object:
                assert ProfilePart(layout.digest, "s", (prediction.counted(layout),)).key
            assert records_of([prediction]).rows in {0, len(prediction.scores)}


def test_an_event_of_something_else_is_an_error() -> None:
    """A function that is called by the wrong source must not stay silent."""
    events: tuple[object, ...] = ({}, {"awslogs": {"data": "no base64"}}, {"awslogs": {}})
    for event in events:
        with pytest.raises(ValidationError):
            read_log_batch(event)
