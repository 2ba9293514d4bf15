"""What one logged request counts, and the record that is kept of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from serinus.domain.layout import Outcome
from serinus.domain.prediction import Binned, Crash, counted, records_of
from serinus.domain.profile import ProfilePart, of_parts
from serinus.domain.table import Table
from tests.builders import NOON, a_layout, a_prediction, a_table, an_object_column


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ANSWERED),
        (399, Outcome.ANSWERED),
        (400, Outcome.CLIENT_ERROR),
        (499, Outcome.CLIENT_ERROR),
        (500, Outcome.SERVER_ERROR),
        (503, Outcome.SERVER_ERROR),
    ],
)
def test_a_status_says_how_a_request_ended(status: int, outcome: Outcome) -> None:
    """4xx is the caller's fault, 5xx is ours."""
    assert a_prediction(status=status).outcome is outcome


def test_a_request_counts_once_and_each_of_its_rows() -> None:
    """Three rows in one request are one request and three rows."""
    layout = a_layout()
    part = ProfilePart(layout.digest, "s", (a_prediction(rows=3).counted(layout),))
    profile = of_parts(layout, [part])
    assert (profile.requests, profile.rows, int(profile.feature(0).sum())) == (1, 3, 3)


def test_a_crash_counts_as_a_failed_request() -> None:
    """It has an outcome, and neither latency nor rows."""
    layout = a_layout()
    part = ProfilePart(layout.digest, "s", (Crash("r1", NOON).counted(layout),))
    profile = of_parts(layout, [part])
    assert (profile.requests, profile.failures, profile.rows) == (1, 1, 0)
    assert profile.latency_ms(0.5) is None


def test_records_have_one_row_a_scored_row() -> None:
    """Each carries its request, the caller's id, its place in the request, its time and its score."""
    records = records_of([a_prediction("r1", rows=2), a_prediction("r2", status=500), a_prediction("r3")])
    assert records.columns["_request"].tolist() == ["r1", "r1", "r3"]
    assert records.columns["_id"].tolist() == ["id-r1", "id-r1", "id-r3"]
    assert records.columns["_row"].tolist() == [0.0, 1.0, 0.0]
    assert set(records.columns["_at"].tolist()) == {NOON.timestamp()}
    assert records.columns["amount"].tolist()[:2] == a_table(2).columns["amount"].tolist()


def test_without_scored_rows_there_are_no_records() -> None:
    """Refused and failed requests leave none."""
    assert records_of([a_prediction(status=400)]).rows == 0
    assert records_of([]).rows == 0


def test_a_feature_that_is_text_in_one_request_is_text_in_all() -> None:
    """A column has one type; missing stays missing."""
    texts = a_prediction("r1", features=Table({"amount": np.zeros(2), "x": an_object_column(["red", None])}))
    numbers = a_prediction("r2", features=Table({"amount": np.zeros(2), "x": np.array([1.0, np.nan])}))
    assert records_of([texts, numbers]).columns["x"].tolist() == ["red", None, "1.0", None]


def test_requests_counted_together_count_as_each_alone() -> None:
    """Of any kind, with any columns, missing values among them."""
    layout = a_layout()
    table = Table({"amount": np.array([0.5, np.nan]), "colour": an_object_column(["red", None])})
    asked = [
        a_prediction("r1", features=table),
        a_prediction("r2", status=500),
        a_prediction("r3", rows=3),
        replace(a_prediction("r4", features=table), features=table.select(["colour"])),
        a_prediction("r5", features=table.slice(1, 2)),
        *(
            replace(a_prediction(request, features=table), features=None, binned=Binned(layout.digest, bins))
            for request, bins in (
                ("r6", {"amount": np.array([2, 0])}),
                ("r7", {"amount": np.array([3, 4]), "colour": np.array([0, 1])}),
                ("r8", {"amount": np.array([2, 3]), "colour": np.array([9, 9])}),
                ("r9", {"amount": np.array([4, 4])}),
            )
        ),
    ]
    alone = {one.request: sorted(one.counted(layout).slots.tolist()) for one in asked}
    together = counted(asked, layout)
    assert {one.request: sorted(one.slots.tolist()) for one in together} == alone
    assert counted([], layout) == ()
