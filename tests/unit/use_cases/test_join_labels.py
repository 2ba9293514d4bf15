"""Joining predictions with labels: on a request and its row, or on what the policy's id column says of the row."""

from __future__ import annotations

import numpy as np

from serinus.domain.table import Table
from serinus.use_cases.join_labels import features_of, joined
from tests.builders import an_object_column

RECORDS = Table(
    {
        "_request": an_object_column(["q1", "q1", "q2"]),
        "_id": an_object_column(["a", "a", "17"]),
        "_row": np.array([0.0, 1.0, 0.0]),
        "_row_id": an_object_column([None, "17", "x"]),
        "_at": np.array([1.0, 1.0, 2.0]),
        "_inputs": np.ones(3),
        "_score": np.array([0.1, 0.2, 0.3]),
        "amount": np.array([5.0, 6.0, 7.0]),
    }
)


def labels(*said: tuple[str, float | None, float]) -> Table:
    """Return labels: an id, a row or none, and the truth."""
    ids, rows, truth = zip(*said, strict=True)
    return Table(
        {
            "id": an_object_column(ids),
            "row": np.array([np.nan if row is None else row for row in rows]),
            "label": np.array(truth, dtype=np.float64),
        }
    )


def test_labels_find_rows_by_request_and_number() -> None:
    """A row that has an id of its own is found by its request as well."""
    found = joined(RECORDS, labels(("a", 0, 1), ("a", 1, 0), ("b", 0, 1)))
    assert found.columns["amount"].tolist() == [5.0, 6.0]
    assert found.columns["_label"].tolist() == [1.0, 0.0]


def test_labels_find_rows_by_their_own_id() -> None:
    """Whatever request asked for them; a request of the same name is another thing."""
    found = joined(RECORDS, labels(("17", None, 1)))
    assert found.columns["_score"].tolist() == [0.2]


def test_a_rows_own_label_is_the_nearer_one() -> None:
    """Where both came."""
    found = joined(RECORDS, labels(("17", None, 1), ("a", 1, 0)))
    assert found.columns["_label"].tolist() == [1.0]


def test_without_labels_nothing_is_joined() -> None:
    """The instants and the labels are there, empty."""
    nothing = Table({"id": an_object_column([]), "row": np.array([]), "label": np.array([])})
    assert joined(RECORDS, nothing).rows == joined(Table({}), labels(("a", 0, 1))).rows == 0


def test_only_features_and_the_label_are_trained_on() -> None:
    """Columns of our own stay behind."""
    assert list(features_of(joined(RECORDS, labels(("a", 0, 1)))).columns) == ["amount", "_label"]
