"""A batch: what its parts are, and when two batches are one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.batch import MAXIMUM_PARTS, Batch, BatchPart, SourceObject, a_batch, parts_of
from serinus.errors import DataRefused
from tests.builders import FRAUD, NOON

ROWS = SourceObject("batch/rows.csv", 40_000_000, NOON)


def batch_of(*objects: SourceObject, content: str = "c" * 64, output: str = "predictions/fraud/") -> Batch:
    """Return the batch of these objects."""
    return a_batch(FRAUD, model_version=1, content_digest=content, output=output, objects=objects)


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_shares_cover_every_row_once(total: int, shares: int) -> None:
    """In order, and none has more than one row above another."""
    ranges = [BatchPart(0, "rows.csv", 1, share, shares).rows(total) for share in range(shares)]
    assert [row for start, stop in ranges for row in range(start, stop)] == list(range(total))
    lengths = [stop - start for start, stop in ranges]
    assert max(lengths) - min(lengths) <= 1


def test_large_objects_are_shared_out_and_small_ones_stay_whole() -> None:
    """Parts are numbered in order of keys."""
    parts = parts_of([replace(ROWS, key="batch/b.csv"), SourceObject("batch/a.parquet", 10, NOON)])
    assert [(part.number, part.key, part.share, part.shares) for part in parts] == [
        (0, "batch/a.parquet", 0, 1),
        (1, "batch/b.csv", 0, 3),
        (2, "batch/b.csv", 1, 3),
        (3, "batch/b.csv", 2, 3),
    ]


def test_what_is_no_data_is_passed_over() -> None:
    """Folders, and what other tools leave beside their files."""
    names = ("batch/", "batch/_SUCCESS", "batch/.rows.csv.crc")
    assert len(parts_of([SourceObject(name, 5, NOON) for name in names] + [replace(ROWS, size=5)])) == 1


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ([], "there are no objects to score"),
        ([replace(ROWS, key="batch/rows.xlsx")], "rows.xlsx is of no kind"),
        ([replace(ROWS, size=200_000_001)], "200,000,001 bytes, and an object of a batch at most 200,000,000"),
        (
            [SourceObject(f"batch/{number}.csv", 1, NOON) for number in range(MAXIMUM_PARTS + 1)],
            "the 2001 objects make 2001 parts",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(objects: list[SourceObject], says: str) -> None:
    """With what to do about it."""
    with pytest.raises(DataRefused, match=says):
        parts_of(objects)


def test_an_empty_object_is_one_part() -> None:
    """Reading it will say what is wrong with it."""
    assert len(parts_of([replace(ROWS, size=0)])) == 1


def test_the_same_batch_has_the_same_name() -> None:
    """Wherever its results go; another model, or an object written again, makes another."""
    batch = batch_of(ROWS)
    assert batch_of(ROWS) == batch
    assert batch.folder == f"predictions/fraud/{batch.id}/"
    assert batch_of(ROWS, output="predictions/march/").id == batch.id
    changed = [batch_of(ROWS, content="d" * 64), batch_of(replace(ROWS, modified_at=NOON.replace(hour=13)))]
    assert len({batch.id, *(other.id for other in changed)}) == 3
