"""`Labels`: the truth, as it arrives in files, and joined with the predictions that it is about."""

from __future__ import annotations

import io
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from serinus.adapters.joins.database import Bounds
from serinus.adapters.stored.labels import StoredLabels
from serinus.adapters.stored.records import StoredRecords
from serinus.domain.label_files import LABEL, Conflict, Joined
from serinus.domain.task import Task
from serinus.errors import DataRefused
from serinus.use_cases.ports.watching import Labels
from tests.contract.builders import after, some_rows
from tests.contract.clouds import Cloud

MINUTE = "2026-03-04T12:00"


@pytest.fixture
def labels(cloud: Cloud) -> Labels:
    """The labels, of predictions that release 2 made: requests a, b and c, the last of two rows."""
    records = StoredRecords(cloud.objects)
    rows = some_rows(("a", 0, 1, 0.1), ("b", 0, 2, 0.2), ("c", 0, 3, 0.3), ("c", 1, 3, 0.4), amount=[1, 2, 3, 4])
    records.put("fraud", 2, MINUTE, "part", rows)
    return StoredLabels(cloud.objects)


def join(labels: Labels, **asked: object) -> Joined:
    """Join the whole minute of release 2."""
    return labels.join("fraud", [2], after(0), after(60), **asked)  # type: ignore[arg-type]  # named by the test


def truth(joined: Joined) -> dict[tuple[str, int], float | str]:
    """Return the labels that met a prediction, by request and row."""
    columns = joined.by_release[2].columns
    rows = zip(*(columns[name].tolist() for name in ("_request", "_row", LABEL)), strict=True)
    return {(request, int(row)): label for request, row, label in rows if label is not None and label == label}


def parquet(**columns: object) -> bytes:
    """Return a Parquet file."""
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body)
    return body.getvalue()


def test_labels_come_from_every_kind_of_file(labels: Labels, cloud: Cloud) -> None:
    """CSV, JSON Lines and Parquet alike; what is no data file is passed over, and so is another endpoint's."""
    cloud.objects.put("labels/fraud/monday.csv", b"id,label\nb,1\n")
    cloud.objects.put("labels/fraud/tuesday.jsonl", b'{"id": "c", "row": 1, "label": true}\n')
    cloud.objects.put("labels/fraud/wednesday.parquet", parquet(id=["a"], label=[False]))
    cloud.objects.put("labels/fraud/README.md", b"how we label")
    cloud.objects.put("labels/fraud-eu/monday.csv", b"id,label\nc,1\n")
    found = join(labels)
    assert truth(found) == {("a", 0): 0.0, ("b", 0): 1.0, ("c", 1): 1.0}
    assert (found.read.files, found.read.labels, found.read.unmet, found.read.findings) == (3, 3, 0, ())


def test_predictions_come_in_time_order_with_what_is_wanted_of_them(labels: Labels, cloud: Cloud) -> None:
    """All of them, labelled or not; a column that no record has is left out."""
    cloud.objects.put("labels/fraud/a.csv", b"id,label\nb,1\n")
    columns = join(labels, columns=("_score", "amount", "nothing")).by_release[2].columns
    assert columns["_score"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert columns["amount"].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(columns[LABEL], [np.nan, 1, np.nan, np.nan])
    assert set(columns) == {"_score", "amount", LABEL}


def test_without_files_or_records_the_columns_are_there(labels: Labels) -> None:
    """An empty table can be measured; a release that served nothing has one."""
    found = labels.join("fraud", [2, 9], after(0), after(60), columns=("_at", "_score"))
    assert np.isnan(found.by_release[2].columns[LABEL]).all()
    assert (found.by_release[9].rows, set(found.by_release[9].columns)) == (0, {"_at", "_score", LABEL})


def test_a_window_cuts_rows_not_minutes(labels: Labels, cloud: Cloud) -> None:
    """The start is in it, the end is not; a label of a prediction outside of it is counted as one of none."""
    cloud.objects.put("labels/fraud/a.csv", b"id,label\na,1\nb,1\nc,1\nnever,1\n")
    found = labels.join("fraud", [2], after(2), after(3))
    assert (truth(found), found.read.unmet) == ({("b", 0): 1.0}, 3)


def test_what_was_delivered_twice_is_there_once(labels: Labels, cloud: Cloud) -> None:
    """However a redelivery was split."""
    again = some_rows(("b", 0, 2, 0.2), ("d", 0, 9, 0.9), amount=[2, 5])
    StoredRecords(cloud.objects).put("fraud", 2, MINUTE, "again", again)
    cloud.objects.put("labels/fraud/a.csv", b"id,label\nb,1\nd,0\n")
    assert join(labels).by_release[2].columns["amount"].tolist() == [1, 2, 3, 4, 5]


def test_many_parts_are_one_table(labels: Labels, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken few at a time, whatever features each has; one that sent text for a number makes the column text."""
    monkeypatch.setattr("serinus.adapters.joins.record_parts._AT_ONCE", 2)
    records = StoredRecords(cloud.objects)
    records.put("fraud", 2, MINUTE, "q", some_rows(("d", 0, 4, 0.5)))
    records.put("fraud", 2, MINUTE, "r", some_rows(("e", 0, 5, 0.6), amount=["old"], age=[7.0]))
    cloud.objects.put("labels/fraud/a.csv", b"id,label\nd,1\ne,0\n")
    columns = join(labels).by_release[2].columns
    assert columns["amount"].tolist() == ["1.0", "2.0", "3.0", "4.0", None, "old"]
    np.testing.assert_array_equal(columns["age"], [np.nan] * 5 + [7.0])
    np.testing.assert_array_equal(columns[LABEL], [np.nan] * 4 + [1, 0])


def test_ids_are_compared_as_they_are_written(labels: Labels, cloud: Cloud) -> None:
    """Zeros in front count, digits are no numbers, and whole numbers of a Parquet file have no point."""
    records = StoredRecords(cloud.objects)
    records.put("fraud", 2, MINUTE, "q", some_rows(("0017", 0, 4, 0.5), ("17", 0, 5, 0.5), ("19", 0, 6, 0.5)))
    cloud.objects.put("labels/fraud/a.csv", b"id,label\n0017,1\n12345678901234567890,1\n")
    cloud.objects.put("labels/fraud/b.parquet", parquet(id=[17.0], row=[0], label=[0]))
    cloud.objects.put("labels/fraud/c.jsonl", b'{"id": 19, "label": 1}\n')
    found = join(labels)
    assert truth(found) == {("0017", 0): 1.0, ("17", 0): 0.0, ("19", 0): 1.0}
    assert found.read.unmet == 1


def test_the_file_written_last_wins(labels: Labels, cloud: Cloud) -> None:
    """By the time of the upload, not by name; what was said before is counted as corrected."""
    cloud.objects.put("labels/fraud/z.csv", b"id,label\na,0\nb,0\n")
    time.sleep(1.1)
    cloud.objects.put("labels/fraud/a.csv", b"id,label\na,1\nb,0\n")
    found = join(labels)
    assert (truth(found), found.read.corrected) == ({("a", 0): 1.0, ("b", 0): 0.0}, 1)


def test_a_labels_own_time_is_nearer_than_its_files(labels: Labels, cloud: Cloud) -> None:
    """Whatever order files come in, and in whichever form the time is written."""
    newer = b"id,label,time\na,1,2026-03-05T01:00:00+02:00\nb,0,\n"
    cloud.objects.put("labels/fraud/1.csv", newer)
    cloud.objects.put("labels/fraud/2.jsonl", b'{"id": "a", "label": 0, "time": "2026-03-04T22:00:00Z"}\n')
    instants = pa.array([1_000_000, 1_000_000], pa.timestamp("us", tz="UTC"))
    cloud.objects.put("labels/fraud/3.parquet", parquet(id=["a", "b"], label=[0, 1], time=instants))
    assert truth(join(labels)) == {("a", 0): 1.0, ("b", 0): 0.0}


def test_a_clock_that_runs_ahead_has_no_last_word(labels: Labels, cloud: Cloud) -> None:
    """Such a label counts as of when its file was written, so that a correction corrects it; it is told."""
    cloud.objects.put("labels/fraud/1.csv", b"id,label,time\na,0,2999-01-01T00:00:00Z\n")
    time.sleep(1.1)
    cloud.objects.put("labels/fraud/2.csv", b"id,label\na,1\n")
    found = join(labels)
    assert (truth(found), found.read.ahead) == ({("a", 0): 1.0}, 1)
    assert "dated after its file was written" in found.read.findings[0]


def test_a_file_that_contradicts_itself_is_told(labels: Labels, cloud: Cloud) -> None:
    """With the rows, and never with ids; the later row counts. At two times it is a correction, and no conflict."""
    body = b"id,label,time\na,1,\nb,1,\nc,1,2026-03-04T10:00:00Z\na,0,\nb,1,\nc,0,2026-03-04T11:00:00Z\n"
    cloud.objects.put("labels/fraud/may.csv", body)
    found = join(labels)
    assert truth(found) == {("a", 0): 0.0, ("b", 0): 1.0, ("c", 0): 0.0}
    assert found.read.conflicts == (Conflict("labels/fraud/may.csv", 1, (4,)),)
    assert found.read.findings == (
        "labels/fraud/may.csv says two things of 1 prediction (rows 4): the later row counts",
    )


WHOLE = parquet(id=["a", "b"], label=[1, 0])
DAMAGED = [
    ("no_label.csv", b"id,truth\na,1\n", "has no column 'label'"),
    ("other.csv", b"customer,label\na,1\n", "has no column 'id': labels need the columns id and label"),
    ("semicolons.csv", b"id;label\na;1\n", "has no column"),
    ("two.csv", b"id,label\na,0\nb,2\n", "row 2: the label must be 0 or 1"),
    ("blank.csv", b"id,label\na,0\nb,\n", "row 2: label is missing"),
    ("text.csv", b"id,label\na,yes\n", "row 1: the label must be 0 or 1"),
    ("row.csv", b"id,row,label\na,0,1\nb,,1\n", "row 2: row is missing"),
    ("half_a_row.csv", b"id,row,label\na,0.5,1\n", "row 1: row must be a whole number"),
    ("no_id.csv", b"id,label\n,1\n", "row 1: the id is missing"),
    ("when.csv", b"id,label,time\na,1,last week\n", "row 1: time must be an instant in ISO 8601"),
    ("ragged.csv", b"id,label\na,1\nb\n", "line 3, has 1 cells, but the header has 2"),
    ("cut_off.csv", b'id,label\na,1\n"b', "line 3"),
    ("latin.csv", b"id,label\n\xe9,1\n", "UTF-8"),
    ("twice.csv", b"id,label,label\na,1,0\n", "two of the same name"),
    ("wide.csv", ",".join(["id,label", *map(str, range(2_000))]).encode(), "2,002 columns"),
    ("header.csv", b"id,label\n", "holds no labels"),
    ("empty.csv", b"", "is empty"),
    ("cut_off.jsonl", b'{"id": "a", "label": 1}\n{"id": "b", "la', "line 2, is no JSON object"),
    ("list.jsonl", b'["a", 1]\n', "line 1, is no JSON object"),
    ("no_label.jsonl", b'{"id": "a"}\n', "row 1: label is missing"),
    ("cut_off.parquet", WHOLE[:-20], "does not end with PAR1"),
    ("hole.parquet", WHOLE[:40] + bytes(len(WHOLE) - 80) + WHOLE[-40:], "is damaged"),
    ("csv.parquet", b"id,label\na,1\n", "does not begin with PAR1"),
    ("lists.parquet", parquet(id=["a"], label=[[1]]), "column 'label' holds"),
]


@pytest.mark.parametrize(("name", "body", "message"), DAMAGED, ids=[name for name, _, _ in DAMAGED])
def test_a_damaged_file_is_named_and_blinds_no_other(
    labels: Labels, cloud: Cloud, name: str, body: bytes, message: str
) -> None:
    """Nothing of it counts, the others do; the reason names the place, and nothing of what is in it."""
    cloud.objects.put(f"labels/fraud/{name}", body)
    cloud.objects.put("labels/fraud/whole.csv", b"id,label\nc,1\n")
    found = join(labels)
    assert truth(found) == {("c", 0): 1.0}
    (refused,) = found.read.refused
    assert refused.name == f"labels/fraud/{name}"
    assert refused.reason.startswith(f"labels/fraud/{name}")
    assert message in refused.reason
    with pytest.raises(DataRefused, match="PAR1" if "PAR1" in message else None) as caught:
        labels.check(name, body)
    assert message in str(caught.value)


def test_an_id_column_labels_rows_and_not_requests(labels: Labels, cloud: Cloud) -> None:
    """A line that has it says which row; one that has not says which request, as ever. The two never meet."""
    rows = some_rows(("17", 0, 4, 0.5), ("d", 0, 5, 0.5), ("d", 1, 5, 0.5))
    rows.columns["_row_id"][1:] = ["17", "x-1"]
    StoredRecords(cloud.objects).put("fraud", 2, MINUTE, "q", rows)
    cloud.objects.put("labels/fraud/a.csv", b"order,label\n17,1\n")
    cloud.objects.put("labels/fraud/b.jsonl", b'{"order": "x-1", "label": 0}\n{"id": "17", "row": 0, "label": 0}\n')
    assert truth(join(labels, id_column="order")) == {("17", 0): 0.0, ("d", 0): 1.0, ("d", 1): 0.0}


def test_a_rows_own_label_is_nearer_than_its_requests(labels: Labels, cloud: Cloud) -> None:
    """Where both came."""
    rows = some_rows(("d", 0, 5, 0.5))
    rows.columns["_row_id"][:] = ["17"]
    StoredRecords(cloud.objects).put("fraud", 2, MINUTE, "q", rows)
    cloud.objects.put("labels/fraud/a.csv", b"order,label\n17,1\n")
    cloud.objects.put("labels/fraud/b.csv", b"id,row,label\nd,0,0\n")
    assert truth(join(labels, id_column="order")) == {("d", 0): 1.0}


def test_labels_keep_what_they_are(labels: Labels, cloud: Cloud) -> None:
    """Numbers stay numbers, and the names of classes texts, in which whole numbers are spelled as such."""
    cloud.objects.put("labels/fraud/a.csv", b"id,label\na,2.5\nb,-1e3\n")
    assert truth(join(labels, task=Task.REGRESSION)) == {("a", 0): 2.5, ("b", 0): -1_000.0}
    cloud.objects.put("labels/fraud/b.parquet", parquet(id=["a", "c"], label=[3.0, 4.0]))
    cloud.objects.put("labels/fraud/c.csv", b"id,label\nb,a boat\n")
    assert truth(join(labels, task=Task.MULTICLASS)) == {("a", 0): "3", ("b", 0): "a boat", ("c", 0): "4"}
    refused = [each.name for each in join(labels, task=Task.REGRESSION).read.refused]
    assert refused == ["labels/fraud/c.csv"]


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e39", "-1e308"])
def test_numbers_that_no_metric_can_square_are_refused(labels: Labels, cloud: Cloud, value: str) -> None:
    """One of them would make every error infinite; the file is told, the others count."""
    cloud.objects.put("labels/fraud/a.csv", b"id,label\na,-3e38\n")
    cloud.objects.put("labels/fraud/b.csv", f"id,label\nb,{value}\n".encode())
    found = join(labels, task=Task.REGRESSION)
    assert truth(found) == {("a", 0): -3e38}
    assert [each.reason for each in found.read.refused] == [
        "labels/fraud/b.csv, row 1: the label must be a number that FP32 holds; correct it and upload the file again"
    ]


def test_features_that_differ_in_case_alone_are_refused(labels: Labels, cloud: Cloud) -> None:
    """The database cannot tell them apart, and must not mix them up; who does not ask for them is not held up."""
    rows = some_rows(("d", 0, 5, 0.5), amount=[1.0], Amount=[2.0])
    StoredRecords(cloud.objects).put("fraud", 2, MINUTE, "q", rows)
    with pytest.raises(DataRefused, match="'amount' and 'Amount' differ in the case of letters alone"):
        join(labels)
    assert join(labels, columns=("_score",)).by_release[2].rows == 5


def test_only_files_of_before_an_instant_count(labels: Labels, cloud: Cloud) -> None:
    """And the last arrival is told of them alone."""
    cloud.objects.put("labels/fraud/a.csv", b"id,label\na,1\n")
    ((_, written_at),) = cloud.objects.modified("labels/fraud/")
    assert truth(join(labels, before=written_at)) == {}
    assert labels.last_arrival("fraud", before=written_at) is None
    time.sleep(1.1)
    cloud.objects.put("labels/fraud/b.csv", b"id,label\nb,1\n")
    (_, (_, later)) = cloud.objects.modified("labels/fraud/")
    assert labels.last_arrival("fraud", before=later) == written_at
    assert truth(join(labels, before=later)) == {("a", 0): 1.0}


def test_a_file_is_recorded_once_and_stays_as_old_as_it_is(labels: Labels, cloud: Cloud) -> None:
    """The second time it is not new, and has not the last word over what came in between."""
    body = b"id,label\na,1\n"
    assert labels.record("fraud", "may.csv", body)
    ((key, written_at),) = cloud.objects.modified("labels/fraud/")
    time.sleep(1.1)
    assert not labels.record("fraud", "june.csv", body)
    assert cloud.objects.modified("labels/fraud/") == [(key, written_at)]
    assert truth(join(labels)) == {("a", 0): 1.0}
    with pytest.raises(DataRefused, match=r"name it \.csv, \.jsonl or \.parquet"):
        labels.record("fraud", "may.xlsx", body)


def test_a_good_file_is_counted(labels: Labels) -> None:
    """What it says, and what it says twice."""
    read = labels.check("may.csv", b"id,label\na,1\nb,0\nb,1\n")
    assert (read.rows, read.labels, read.conflicts) == (3, 2, (Conflict("may.csv", 1, (3,)),))


def test_what_does_not_fit_into_memory_goes_to_disk(cloud: Cloud) -> None:
    """A join larger than what the database may hold is done all the same."""
    rows = 60_000
    ids = [f"{row:08d}-{'x' * 200}" for row in range(rows)]
    own = {"_request": ids, "_id": ids, "_row": np.zeros(rows), "_at": np.full(rows, after(1).timestamp())}
    part = parquet(**own, _row_id=pa.nulls(rows, pa.string()), _inputs=np.ones(rows), _score=np.ones(rows))
    cloud.objects.put(f"records/fraud/2/{MINUTE}/part.parquet", part)
    cloud.objects.put("labels/fraud/a.parquet", parquet(id=ids, label=np.arange(rows) % 2))
    bounded = StoredLabels(cloud.objects, Bounds(memory_mb=48, threads=1))
    table = bounded.join("fraud", [2], after(0), after(60), columns=("_score",)).by_release[2]
    assert table.columns[LABEL].sum() == rows / 2
