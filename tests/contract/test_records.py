"""`Records`: one row a scored row, over objects."""

from __future__ import annotations

import numpy as np
import pytest

from serinus.adapters.stored.records import StoredRecords
from serinus.use_cases.ports.watching import Records
from tests.contract.builders import after, some_rows
from tests.contract.clouds import Cloud

MINUTE = "2026-03-04T12:00"
OWN = ["_request", "_id", "_row_id", "_row", "_at", "_inputs", "_score", "_latency_ms"]


@pytest.fixture
def records(cloud: Cloud) -> Records:
    """The records."""
    return StoredRecords(cloud.objects)


def test_rows_are_read_back_with_their_types(records: Records) -> None:
    """Numbers stay numbers, texts stay texts, and what is missing stays missing."""
    rows = some_rows(("r1", 0, 1.5, 0.25), ("r1", 1, 1.5, 0.75), amount=[1.1, np.nan], country=["ü", None])
    records.put("fraud", 2, MINUTE, "part", rows)
    found = records.read("fraud", 2, after(0), after(60))
    assert list(found.columns) == [*OWN, "amount", "country"]
    for name, column in rows.columns.items():
        assert found.columns[name].dtype == column.dtype
        np.testing.assert_array_equal(found.columns[name], column)


def test_the_same_rows_are_the_same_object(records: Records, cloud: Cloud) -> None:
    """A repeated part writes the same bytes under the same key."""
    bodies = []
    for _ in range(2):
        records.put("fraud", 2, MINUTE, "part", some_rows(("r1", 0, 1, 0.5), amount=[2.0], country=["ch"]))
        (key,) = cloud.objects.list("records/")
        bodies.append(cloud.objects.get(key))
    assert key == "records/fraud/2/2026-03-04T12:00/part.parquet"
    assert bodies[0] == bodies[1]


def test_rows_come_once_and_in_time_order(records: Records) -> None:
    """What was delivered twice is there once; rows are sorted by time, request and row."""
    records.put("fraud", 2, MINUTE, "b", some_rows(("r3", 0, 9, 0.3), ("r2", 1, 5, 0.2), ("r2", 0, 5, 0.1)))
    records.put("fraud", 2, MINUTE, "a", some_rows(("r2", 1, 5, 0.2), ("r1", 0, 5, 0.9), ("r3", 0, 9, 0.3)))
    found = records.read("fraud", 2, after(0), after(60))
    pairs = list(zip(found.columns["_request"], found.columns["_row"], found.columns["_score"], strict=True))
    assert pairs == [("r1", 0, 0.9), ("r2", 0, 0.1), ("r2", 1, 0.2), ("r3", 0, 0.3)]


def test_a_window_cuts_rows_not_minutes(records: Records) -> None:
    """The start is in it, the end is not."""
    records.put("fraud", 2, MINUTE, "a", some_rows(("r1", 0, 9, 0.1), ("r2", 0, 10, 0.2), ("r3", 0, 20, 0.3)))
    found = records.read("fraud", 2, after(10), after(20))
    assert found.columns["_request"].tolist() == ["r2"]


def test_parts_may_have_other_features(records: Records) -> None:
    """A request whose inputs did not fit has none of them; one that sent text for a number makes the column text."""
    records.put("fraud", 2, MINUTE, "a", some_rows(("r1", 0, 1, 0.1), amount=[1.5], age=[30.0]))
    records.put("fraud", 2, MINUTE, "b", some_rows(("r2", 0, 2, 0.2)))
    records.put("fraud", 2, MINUTE, "c", some_rows(("r3", 0, 3, 0.3), age=["old"]))
    found = records.read("fraud", 2, after(0), after(60))
    np.testing.assert_array_equal(found.columns["amount"], [1.5, np.nan, np.nan])
    assert found.columns["age"].tolist() == ["30.0", None, "old"]


def test_no_rows_have_the_columns(records: Records) -> None:
    """Nothing recorded is an empty table, which can be joined and counted."""
    found = records.read("fraud", 2, after(0), after(60))
    assert (found.rows, list(found.columns)) == (0, OWN)


def test_rows_of_before_a_column_was_kept_miss_it(records: Records) -> None:
    """They were written by an earlier release of Serinus, and are read all the same."""
    rows = some_rows(("r1", 0, 1, 0.1), amount=[1.5])
    known = [name for name in rows.columns if name != "_latency_ms"]
    records.put("fraud", 2, MINUTE, "a", rows.select(known))
    assert np.isnan(records.read("fraud", 2, after(0), after(60)).columns["_latency_ms"]).tolist() == [True]
