"""The line in the log: whatever it leaves out, what is read back counts the same."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.adapters.onnx.step_counts import step_counts
from serinus.adapters.open_inference.log_line import line
from serinus.adapters.open_inference.log_rules import LogRules, released_layout
from serinus.adapters.open_inference.record import Record
from serinus.adapters.schemas.infer_settings import infer_settings
from serinus.adapters.schemas.log_batch import read_log_batch
from serinus.domain.layout import Layout, layout_from
from serinus.domain.lean_layout import LeanLayout
from serinus.domain.policy import LabelJoin
from serinus.domain.prediction import Prediction
from serinus.domain.profile import ProfilePart, of_parts
from serinus.domain.serving import LogInputs, Serving
from serinus.domain.signature import Datatype
from serinus.domain.table import Table
from serinus.domain.tensor import Block, Tensor
from tests.builders import NOON, a_policy, a_signature, a_table, scores_of

LIMIT = 250_000
LAYOUT = layout_from(a_signature(), a_table(300, seed=7), scores_of(a_table(300, seed=7)))


def lean(layout: Layout = LAYOUT) -> LeanLayout:
    """Return the layout as a release carries it."""
    return LeanLayout(json.loads(json.dumps({"digest": layout.digest, **layout.document})), step_counts)


def a_record(table: Table, rules: LogRules, **changed: Any) -> Record:  # noqa: ANN401 - fields of any kind
    """Return the record of a request for these rows."""
    columns = {
        name: [None if value is None or value != value else value for value in column.tolist()]
        for name, column in table.columns.items()
    }
    values = [value for row in zip(columns["amount"], columns["age"], strict=True) for value in row]
    packed = Tensor.of(Datatype.FP32, (table.rows, 2), [math.nan if value is None else value for value in values])
    blocks = [Block(("amount", "age"), values, packed), Block(("colour",), columns["colour"])]
    logged, unlogged = rules.split("lambda-1", blocks)
    record = Record(
        request="lambda-1",
        id="order-7",
        at=NOON.timestamp(),
        latency_ms=1.5,
        status=200,
        release="3",
        model="f" * 64,
        version=2,
        rows=table.rows,
        features=logged,
        unlogged=unlogged,
        counted=blocks,
        scores=scores_of(table).tolist(),
    )
    return record._replace(**changed)


def read_back(text: str) -> Prediction:
    """Return the prediction that the log delivers."""
    batch = {
        "messageType": "DATA_MESSAGE",
        "owner": "1",
        "logGroup": "/aws/lambda/serinus-endpoint-fraud",
        "logStream": "2026/03/04/[3]abc",
        "subscriptionFilters": ["predictions"],
        "logEvents": [{"id": "1", "timestamp": 1, "message": text}],
    }
    event = {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}
    found = read_log_batch(event)
    assert found is not None
    (prediction,) = found.predictions
    return prediction


def counted(prediction: Prediction) -> list[int]:
    """Return what a prediction counts into, column by column."""
    found = of_parts(LAYOUT, [ProfilePart(LAYOUT.digest, "s", (prediction.counted(LAYOUT),))]).counts
    counts: list[int] = found[: LAYOUT.joint_start].tolist()
    return counts


def whole(table: Table) -> list[int]:
    """Return what these rows count into where everything is known of them."""
    return counted(
        Prediction("lambda-1", "order-7", NOON, 1.5, 200, table, np.asarray(scores_of(table), dtype=np.float64))
    )


RULES = {
    "all": LogRules(),
    "none": LogRules(share=0.0),
    "a sample": LogRules(share=0.5),
    "personal": LogRules(personal=frozenset({"age"})),
    "all personal": LogRules(personal=frozenset({"age", "amount", "colour"})),
}


@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("rows", [1, 40, 9_000], ids=["one row", "forty rows", "more rows than fit"])
@given(seed=st.integers(0, 99))
def test_whatever_is_logged_the_counts_are_exact(rules: LogRules, rows: int, seed: int) -> None:
    """The profile of what was read back equals the profile of the rows themselves."""
    table = a_table(rows, seed=seed)
    text = line("fraud", a_record(table, rules), lean)
    assert len(text.encode()) <= LIMIT
    assert counted(read_back(text)) == whole(table)


def test_what_is_personal_is_nowhere_in_the_line() -> None:
    """Neither its values nor, where rows do not fit, a sample of them."""
    table = Table(
        {"amount": np.full(9_000, 0.5), "age": np.full(9_000, 4_242.0), "colour": a_table(9_000).columns["colour"]}
    )
    for rows in (1, 9_000):
        asked = table.slice(0, rows)
        record = a_record(asked, LogRules(personal=frozenset({"age"})), scores=[0.5] * rows)
        text = line("fraud", record, lean)
        assert "4242" not in text
        assert [block["columns"] for block in json.loads(text)["record"]["features"]] == [["amount"], ["colour"]]


def test_a_request_whose_rows_do_not_fit_logs_a_sample_of_them() -> None:
    """As many as fit, each with its number, its score and its id."""
    table = a_table(20_000)
    ids = [f"order-{row}" for row in range(20_000)]
    text = line("fraud", a_record(table, LogRules(), row_ids=ids), lean)
    assert 0.8 * LIMIT < len(text) <= LIMIT
    prediction = read_back(text)
    assert prediction.row_numbers is not None
    rows = prediction.row_numbers.tolist()
    assert rows == sorted(set(rows))
    assert prediction.features is not None
    assert prediction.row_ids == tuple(ids[row] for row in rows)
    expected = table.take(prediction.row_numbers)
    assert prediction.features.columns["amount"].tolist() == expected.columns["amount"].tolist()
    assert prediction.scores.tolist() == scores_of(expected).tolist()


def test_a_single_row_that_does_not_fit_keeps_its_counts_and_score() -> None:
    """A text of a megabyte is no reason to lose the request."""
    long = [Block(("colour",), ["x" * 1_000_000])]
    text = line("fraud", a_record(a_table(1), LogRules(), features=long, counted=long), lean)
    assert len(text) <= LIMIT
    said = json.loads(text)["record"]
    assert "features" not in said
    assert said["row_numbers"] == [0]
    assert len(said["scores"]) == 1
    assert said["counts"]


def test_an_older_release_without_a_layout_leaves_out_what_does_not_fit() -> None:
    """It says what it can."""
    text = line("fraud", a_record(a_table(20_000), LogRules()), lambda: None)
    assert len(text) <= LIMIT
    said = json.loads(text)["record"]
    assert "counts" not in said
    assert len(said["features"][1]["data"]) == len(said["scores"]) == len(said["row_numbers"]) > 100


def test_a_layout_is_read_only_where_it_is_needed() -> None:
    """An ordinary request that is logged whole needs none."""

    def never() -> LeanLayout:
        raise AssertionError

    assert json.loads(line("fraud", a_record(a_table(3), LogRules()), never))["record"]["features"]
    assert released_layout() is None


def test_a_line_is_as_short_as_its_rows_allow() -> None:
    """Its fixed part, of which metrics are the most, is what a million requests cost."""
    text = line("fraud", a_record(a_table(1), LogRules()), lean)
    assert len(text) < 900
    assert " " not in text


@given(st.text(max_size=20))
def test_a_request_is_sampled_by_its_id(request: str) -> None:
    """Asking again changes nothing; all and none need no luck."""
    assert LogRules(share=1.0).admits(request)
    assert not LogRules(share=0.0).admits(request)
    assert LogRules(share=0.5).admits(request) == LogRules(share=0.5).admits(request)


def test_about_the_share_that_the_policy_says_is_logged() -> None:
    """Ids are as good as random."""
    rules = LogRules(share=0.1)
    assert 800 < sum(rules.admits(f"request-{number}") for number in range(10_000)) < 1_200


@pytest.mark.parametrize(
    ("serving", "id_column", "rules"),
    [
        (Serving(), None, LogRules()),
        (Serving(log_inputs=LogInputs.NONE), None, LogRules(share=0.0)),
        (Serving(log_inputs=LogInputs.SAMPLE, log_share=0.25), "order", LogRules(0.25, id_column="order")),
        (Serving(personal=("name", "e-mail")), None, LogRules(personal=frozenset({"name", "e-mail"}))),
    ],
)
def test_the_function_is_told_what_the_policy_says(serving: Serving, id_column: str | None, rules: LogRules) -> None:
    """Through its environment."""
    policy = dataclasses.replace(a_policy(serving=serving), labels=LabelJoin(id_column))
    assert LogRules.told(infer_settings(policy)) == rules


def sizes(rules: LogRules, rows: Sequence[int] = (1,)) -> list[int]:
    """Return how long lines are."""
    return [len(line("fraud", a_record(a_table(count), rules), lean)) for count in rows]


def test_bins_are_shorter_than_values() -> None:
    """What is not logged costs less."""
    assert sizes(LogRules(share=0.0), (100,)) < sizes(LogRules(), (100,))
