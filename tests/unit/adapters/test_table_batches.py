"""Data files in batches: what `read` reads, in bounded memory, and never a part of a file for the whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from serinus.adapters.tables import text_batches
from serinus.adapters.tables.arrow import ArrowTables
from serinus.adapters.tables.batch_columns import column_of
from serinus.domain.bins import NumericBins
from serinus.domain.reference_sketch import sketch_profile
from serinus.domain.row_batch import ANYTHING, Expected, NumberColumn, RowBatch, TextColumn
from serinus.domain.row_counts import expected_by, profile_of_batches
from serinus.errors import DataRefused

ROWS = 70_000


def batches(name: str, body: bytes, expected: Expected = ANYTHING) -> list[RowBatch]:
    """Read a file."""
    return list(ArrowTables().batches(name, io.BytesIO(body), expected=expected))


def a_table_of_rows() -> pa.Table:
    """Return numbers, texts, flags and dates, with gaps."""
    chance = np.random.default_rng(3)
    numbers = chance.normal(size=ROWS)
    return pa.table(
        {
            "x": pa.array(numbers, mask=chance.random(ROWS) < 0.1),
            "single": pa.array(numbers.astype(np.float32)),
            "whole": pa.array(chance.integers(0, 9, ROWS)),
            "flag": pa.array(chance.random(ROWS) < 0.3),
            "colour": pa.array(np.array(["red", "blue", None], dtype=object)[chance.integers(0, 3, ROWS)]),
            "day": pa.array(np.datetime64("2026-01-01") + chance.integers(0, 365, ROWS)),
        }
    )


def as_parquet(table: pa.Table, *, checksums: bool = False) -> bytes:
    """Return the table as a file of several row groups."""
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=30_000, write_page_checksum=checksums)
    return sink.getvalue()


def as_csv(table: pa.Table) -> bytes:
    """Return the table as a text file."""
    from pyarrow import csv

    sink = io.BytesIO()
    csv.write_csv(table.set_column(table.column_names.index("flag"), "flag", table["flag"].cast(pa.string())), sink)
    return sink.getvalue().replace(b'"true"', b"true").replace(b'"false"', b"false")


def as_json_lines(table: pa.Table) -> bytes:
    """Return the table as lines, without what is missing."""
    lines = ({key: value for key, value in row.items() if value is not None} for row in table.to_pylist())
    return "\n".join(json.dumps(line, default=str) for line in lines).encode()


@pytest.mark.parametrize(
    ("name", "write"), [("f.parquet", as_parquet), ("f.csv", as_csv), ("f.jsonl", as_json_lines)]
)
def test_batches_hold_what_reading_at_once_does(
    name: str, write: Callable[[pa.Table], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value of every row, and rows are numbered through."""
    monkeypatch.setattr(text_batches, "_BLOCK_BYTES", 1 << 20)
    body = write(a_table_of_rows())
    whole = ArrowTables().read(name, body)
    found = batches(name, body)
    assert len(found) > 1
    assert [batch.first for batch in found] == np.cumsum([0, *(batch.rows for batch in found[:-1])]).tolist()
    for column, values in whole.columns.items():
        parts = [batch.columns[column] for batch in found]
        if values.dtype == object:
            texts = [_texts(part) for part in parts]
            assert [text for part in texts for text in part] == values.tolist()
        else:
            numbers = [part.values for part in parts if isinstance(part, NumberColumn)]
            np.testing.assert_array_equal(np.concatenate(numbers).astype(np.float64), values)


def _texts(column: NumberColumn | TextColumn) -> list[str | None]:
    assert isinstance(column, TextColumn)
    assert all(column.times)
    return [None if code < 0 else column.texts[code] for code in column.codes.tolist()]


@pytest.mark.parametrize("index", [pa.int8(), pa.int32(), pa.int64()])
@pytest.mark.parametrize(
    ("codes", "dictionary"),
    [
        ([0, 1, 1, 2], ["a", "b", "c"]),
        ([2, None, 2, 0], ["a", "unused", "c"]),
        ([0, 1, None, 2], ["a", None, "c"]),
        ([None, None], ["unused"]),
        ([None], []),
    ],
)
def test_a_dictionary_is_read_as_its_texts(
    index: pa.DataType, codes: list[int | None], dictionary: list[str | None]
) -> None:
    """Whatever it holds that no row has, nulls in it, and however its rows are cut: texts are those that come."""
    numbers: Any = pa.array([0, *codes] if dictionary else codes, index)  # the stubs want to know which numbers
    array: Any = pa.DictionaryArray.from_arrays(numbers, pa.array(dictionary, pa.string()))
    cut = array.slice(1) if dictionary else array
    column = column_of("f", "x", cut)
    assert isinstance(column, TextColumn)
    assert _texts(column) == cut.to_pylist()
    assert column.times.tolist() == [cut.to_pylist().count(text) for text in column.texts]
    assert column.times.tolist() == TextColumn(column.codes, column.texts).times.tolist()


def test_a_saved_layout_counts_every_kind_of_file_alike() -> None:
    """A CSV file is checked against the profile of a Parquet file, whose types decide what its cells mean."""
    table = a_table_of_rows().drop_columns(["single"])
    saved = sketch_profile(batches("f.parquet", as_parquet(table))).profile
    for name, write in (("f.csv", as_csv), ("f.jsonl", as_json_lines)):
        found = batches(name, write(table), expected_by(saved.layout))
        assert profile_of_batches(saved.layout, found) == saved


def test_a_wide_parquet_file_comes_a_few_columns_at_a_time() -> None:
    """Each column of each row once, whatever the names; all at once where they count together."""
    chance = np.random.default_rng(2)
    names = [name for at in range(35) for name in (f"c{at}", f"c{at}.b")]
    table = pa.table({name: chance.normal(size=40_000) for name in names})
    body = as_parquet(table)
    found = batches("wide.parquet", body)
    assert {(batch.again, batch.first) for batch in found} == {
        (again, first) for again in (False, True) for first in (0, 32_768)
    }
    for batch in found:
        assert len(batch.columns) <= 32
        assert batch.elsewhere == set(names) - batch.columns.keys()
    assert [name for batch in found if batch.first == 0 for name in batch.columns] == names
    (one, two) = batches("wide.parquet", body, Expected(together=True))
    assert list(one.columns) == names
    assert not one.elsewhere
    assert sketch_profile(found).profile == sketch_profile([one, two]).profile


def test_nan_is_told_from_missing_in_parquet() -> None:
    """Null is missing, NaN is a value that is no number."""
    (batch,) = batches("f.parquet", as_parquet(pa.table({"x": pa.array([1.0, None, float("nan")])})))
    column = batch.columns["x"]
    assert isinstance(column, NumberColumn)
    assert column.not_numbers.tolist() == [False, False, True]
    bins = sketch_profile([batch]).profile.layout.features[0]
    assert isinstance(bins, NumericBins)


def test_a_text_column_that_looks_like_numbers_stays_text() -> None:
    """Where that is known."""
    (batch,) = batches("f.csv", b"code\n007\n\n1.50\n", Expected(texts=("code",)))
    assert _texts(batch.columns["code"]) == ["007", None, "1.50"]


def test_keys_that_come_late_are_read_where_they_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are told where they are not: a new reference has all its columns from the first lines on."""
    monkeypatch.setattr(text_batches, "_BLOCK_BYTES", 20)
    body = b'{"x": 1}\n{"x": 2}\n{"x": 3, "late": 5, "more": [1]}\n'
    found = batches("f.jsonl", body, Expected(numbers=("x", "late")))
    late = [batch.columns["late"] for batch in found]
    assert np.isnan(np.concatenate([part.values for part in late if isinstance(part, NumberColumn)])).sum() == 2
    with pytest.raises(DataRefused, match="line 3"):
        batches("f.jsonl", body)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("f.csv", b"", "is empty"),
        ("f.csv", b"a,b\n", "no rows"),
        ("f.csv", b"a,a\n1,2\n", "comes twice"),
        ("f.csv", b"a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("f.csv", b"a\n" + b"1\n" * 300_000 + b"one\n", "after row .*invalid value 'one'"),
        ("f.csv", b"a\n\xff\xfe\n", "UTF-8|utf-8"),
        ("f.jsonl", b'{"a": 1}\n{"a"', "line 2|from line 1"),
        ("f.jsonl", b'{"a": 1}\n{"a": "x"}\n', "line 2"),
        ("f.jsonl", b'{"a": [1]}\n', "holds list"),
        ("f.parquet", b"PAR1 and more", "cut off"),
        ("f.parquet", b"a,b\n1,2\n", "no Parquet file"),
        ("f.parquet", b"PAR1....PAR1", "damaged Parquet"),
        ("f.xls", b"x", "of no kind"),
    ],
)
def test_what_cannot_be_read_is_refused(name: str, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is wrong and where; nothing is returned for the rows before it."""
    monkeypatch.setattr(text_batches, "_BLOCK_BYTES", 100_000)
    with pytest.raises(DataRefused, match=said):
        batches(name, body)


@pytest.mark.parametrize(("checksums", "into"), [(False, 0), (True, 20_000)])
def test_a_parquet_file_damaged_in_the_middle_is_refused(*, checksums: bool, into: int) -> None:
    """What was read before it is not taken for the file; values alone are told by checksums, where it has any."""
    body = bytearray(as_parquet(a_table_of_rows().select(["x"]), checksums=checksums))
    chunk = pq.ParquetFile(io.BytesIO(bytes(body))).metadata.row_group(2).column(0)
    start = (chunk.dictionary_page_offset or chunk.data_page_offset) + into
    body[start : start + 400] = bytes(400)
    with pytest.raises(DataRefused, match="damaged Parquet file after row 32768"):
        sketch_profile(ArrowTables().batches("f.parquet", io.BytesIO(bytes(body))))
