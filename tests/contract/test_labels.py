"""`Labels`: the truth, as it arrives in files."""

from __future__ import annotations

import time

import numpy as np
import pytest

from serinus.adapters.stored.labels import StoredLabels
from serinus.adapters.tables.arrow import ArrowTables
from serinus.errors import DataRefused
from serinus.use_cases.ports import Labels
from tests.contract.clouds import Cloud


@pytest.fixture
def labels(cloud: Cloud) -> Labels:
    """The labels."""
    return StoredLabels(cloud.objects, ArrowTables())


def read(labels: Labels) -> list[tuple[str, float, float]]:
    """Return every label: id, row, label."""
    columns = labels.read("fraud").columns
    return list(zip(*(columns[name].tolist() for name in ("id", "row", "label")), strict=True))


def test_labels_come_from_every_kind_of_file(labels: Labels, cloud: Cloud) -> None:
    """CSV and JSON Lines alike; what is no data file is passed over, and so is another endpoint's."""
    cloud.objects.put("labels/fraud/monday.csv", b"id,label\nb,1\na,0\n")
    cloud.objects.put("labels/fraud/tuesday.jsonl", b'{"id": "c", "row": 1, "label": 1}\n')
    cloud.objects.put("labels/fraud/README.md", b"how we label")
    cloud.objects.put("labels/fraud-eu/monday.csv", b"id,label\nz,1\n")
    assert read(labels) == [("a", 0, 0), ("b", 0, 1), ("c", 1, 1)]


def test_ids_of_digits_are_text(labels: Labels, cloud: Cloud) -> None:
    """They must meet the ids of the records, whatever a CSV reader makes of them."""
    cloud.objects.put("labels/fraud/a.csv", b"id,label\n17,1\n")
    assert read(labels) == [("17", 0, 1)]


def test_the_file_uploaded_last_wins(labels: Labels, cloud: Cloud) -> None:
    """By the time of the upload, not by name."""
    cloud.objects.put("labels/fraud/z.csv", b"id,label\na,0\nb,0\n")
    time.sleep(1.1)
    cloud.objects.put("labels/fraud/a.csv", b"id,label\na,1\n")
    assert read(labels) == [("a", 0, 1), ("b", 0, 0)]


def test_no_files_are_no_labels(labels: Labels) -> None:
    """An empty table has its columns."""
    found = labels.read("fraud")
    assert list(found.columns) == ["id", "row", "label"]
    np.testing.assert_array_equal(found.columns["label"], [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"id,truth\na,1\n", "no column 'label'"),
        (b"id,label\na,0\nb,2\n", "row 2: the label is 2.0, but must be 0 or 1"),
        (b"id,label\na,0\nb,\n", "row 2: label is missing"),
        (b"id,label\na,yes\n", "'label' holds text"),
        (b"id,row,label\na,,1\n", "row 1: row is missing"),
    ],
)
def test_a_file_that_says_nothing_is_refused(labels: Labels, cloud: Cloud, body: bytes, message: str) -> None:
    """The refusal names the file, the row and the fault."""
    cloud.objects.put("labels/fraud/monday.csv", body)
    with pytest.raises(DataRefused, match=message) as caught:
        labels.read("fraud")
    assert "labels/fraud/monday.csv" in str(caught.value)


def test_an_id_column_labels_rows_and_not_requests(labels: Labels, cloud: Cloud) -> None:
    """A file that has it says which rows; one that has not says which requests, as ever. The two never meet."""
    cloud.objects.put("labels/fraud/a.csv", b"order,label\n17,1\nx-1,0\n")
    cloud.objects.put("labels/fraud/b.csv", b"id,row,label\n17,2,0\n")
    columns = labels.read("fraud", "order").columns
    rows = [None if row != row else row for row in columns["row"].tolist()]
    found = list(zip(columns["id"].tolist(), rows, columns["label"].tolist(), strict=True))
    assert found == [("17", None, 1), ("17", 2, 0), ("x-1", None, 0)]


def test_a_file_with_neither_id_is_refused_with_both_names(labels: Labels, cloud: Cloud) -> None:
    """The policy's column, or the request's id."""
    cloud.objects.put("labels/fraud/a.csv", b"customer,label\n17,1\n")
    with pytest.raises(DataRefused, match="need the columns order or id and label"):
        labels.read("fraud", "order")
