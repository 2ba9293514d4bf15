"""Looking through real files: what is counted, in bounded memory, and what damaged files make of it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv
from pyarrow import parquet as pq

from serinus.adapters.tables import row_hashes, scan_batches
from serinus.adapters.tables.scan import ArrowScanner
from serinus.domain.data_limits import ColumnKind, DeclaredColumn, Expectation
from serinus.domain.data_scan import DataScan, Occurrences, Questions, overlap
from serinus.errors import DataRefused

_NOW = datetime.datetime(2026, 3, 4, 12, tzinfo=datetime.UTC)
_ROWS = 300


def a_file() -> pa.Table:
    """Return rows with a fault of each kind, and where they are."""
    amount = np.arange(_ROWS, dtype=np.float64)
    amount[4] = np.inf
    colour: list[str | None] = [("red", "blue", "pink")[at % 3] for at in range(_ROWS)]
    colour[6] = None
    return pa.table(
        {
            "amount": pa.array(amount, mask=np.arange(_ROWS) == 9),
            "colour": colour,
            "steady": [1] * _ROWS,
            "class": [at % 2 for at in range(_ROWS)],
        }
    )


def _as_parquet(table: pa.Table, path: Path) -> Path:
    pq.write_table(table, path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def _as_csv(table: pa.Table, path: Path) -> Path:
    arrow_csv.write_csv(table, path.with_suffix(".csv"))
    return path.with_suffix(".csv")


def _as_json_lines(table: pa.Table, path: Path) -> Path:
    lines = [json.dumps(row).replace("Infinity", "null") for row in table.to_pylist()]
    path.with_suffix(".jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path.with_suffix(".jsonl")


WRITERS = [_as_parquet, _as_csv, _as_json_lines]
Writer = Callable[[pa.Table, Path], Path]


def scan(path: Path, questions: Questions | None = None) -> DataScan:
    """Look through a file."""
    return ArrowScanner().scan_file(path.name, path, questions or Questions(_NOW))


@pytest.mark.parametrize("write", WRITERS)
def test_every_kind_of_file_is_counted_alike(write: Writer, tmp_path: Path) -> None:
    """Rows are numbered from 1, whatever the format; JSON cannot say infinity, which is blank there."""
    declared = DeclaredColumn("colour", categories=("red", "blue"))
    beyond = DeclaredColumn("class", minimum=0, maximum=0)
    questions = Questions(
        _NOW,
        target="class",
        declared={"colour": declared, "class": beyond},
        expectations=(
            Expectation("amount < 100 or colour = 'red'"),
            Expectation("colour > 5"),
            Expectation("regexp_matches(colour, '[')"),
        ),
    )
    found = scan(write(a_file(), tmp_path / "rows"), questions)
    assert found.rows == _ROWS
    blanks = Occurrences(2, (5, 10)) if write is _as_json_lines else Occurrences(1, (10,))
    amount, colour = found.columns["amount"], found.columns["colour"]
    assert (amount.kind, amount.missing, amount.constant) == (ColumnKind.NUMBER, blanks, False)
    assert amount.infinite == (Occurrences() if write is _as_json_lines else Occurrences(1, (5,)))
    assert (colour.kind, colour.missing, colour.distinct) == (ColumnKind.TEXT, Occurrences(1, (7,)), 3)
    assert colour.beyond.rows == (3, 6, 9)
    assert found.columns["steady"].constant
    assert found.columns["class"].beyond == Occurrences(150, (2, 4, 6))
    assert found.classes == {"0": 150, "1": 150}
    assert found.duplicates.repeated == 0
    broken, unfit, unreadable = found.broken
    assert isinstance(broken, Occurrences)
    assert broken.rows == ((101, 102, 104) if write is _as_json_lines else (5, 101, 102))
    assert "compares a text with a number" in str(unfit)
    assert "regular expression" in str(unreadable)
    assert found.sample.rows == _ROWS


@pytest.mark.parametrize("write", WRITERS)
def test_copies_and_rows_of_another_file_are_found(write: Writer, tmp_path: Path) -> None:
    """Whatever the order of the columns, and whatever the format of the other file."""
    table = a_file()
    twice = scan(write(pa.concat_tables([table, table.slice(10, 2)]), tmp_path / "twice"))
    assert (twice.duplicates.repeated, twice.duplicates.rows) == (2, (_ROWS + 1, _ROWS + 2))
    part = scan(_as_parquet(table.select(["steady", "class", "amount", "colour"]).slice(290), tmp_path / "part"))
    found = overlap(part.hashes, twice.hashes)
    assert (found.looked_at, found.repeated, found.rows) == (10, 10, (1, 2, 3))


def test_ids_and_times_are_looked_at(tmp_path: Path) -> None:
    """A blank id is none; a clock that jumped is found, and the newest row is one of the past."""
    times = ["2026-03-04T11:00:00Z", "2026-03-04T13:00:00Z", "1970-01-01T00:00:05Z", "yesterday", None]
    table = pa.table({"id": ["a", "b", None, "a", None], "at": times, "amount": [1.0, 2.0, 3.0, 4.0, 5.0]})
    found = scan(_as_parquet(table, tmp_path / "rows"), Questions(_NOW, id_column="id", time_column="at"))
    assert found.duplicate_ids is not None
    assert (found.duplicate_ids.looked_at, found.duplicate_ids.rows) == (3, (4,))
    assert found.times is not None
    assert found.times.newest == datetime.datetime(2026, 3, 4, 11, tzinfo=datetime.UTC)
    assert (found.times.future.rows, found.times.ancient.rows, found.times.unreadable.rows) == ((2,), (3,), (4,))


@pytest.mark.parametrize("unit", [1, 1_000])
def test_times_may_be_seconds_or_milliseconds(unit: int, tmp_path: Path) -> None:
    """Since 1970."""
    seconds = (_NOW.timestamp() - np.array([7_200.0, 3_600.0])) * unit
    table = pa.table({"at": seconds})
    found = scan(_as_parquet(table, tmp_path / "rows"), Questions(_NOW, time_column="at"))
    assert found.times is not None
    assert found.times.newest == _NOW - datetime.timedelta(hours=1)


def test_a_file_without_rows_or_contents_is_refused(tmp_path: Path) -> None:
    """Whatever its kind."""
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("a,b\n", encoding="utf-8")
    (tmp_path / "rows.xlsx").write_bytes(b"PK")
    none = _as_parquet(pa.table({"a": pa.array([], pa.float64())}), tmp_path / "none")
    for path, said in (
        (tmp_path / "empty.csv", "is empty"),
        (tmp_path / "header.csv", "no rows"),
        (tmp_path / "rows.xlsx", "of no kind"),
        (none, "no rows"),
    ):
        with pytest.raises(DataRefused, match=said):
            scan(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.999])
def test_a_parquet_file_cut_in_the_middle_is_refused(share: float, tmp_path: Path) -> None:
    """Even where its end is put back on."""
    path = _as_parquet(a_file(), tmp_path / "rows")
    whole = path.read_bytes()
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(b"PAR1" + whole[4 : int(len(whole) * share)])
    with pytest.raises(DataRefused, match=r"cut off|damaged"):
        scan(cut)
    damaged = bytearray(whole)
    damaged[8:200] = bytes(192)
    cut.write_bytes(damaged)
    with pytest.raises(DataRefused, match="damaged"):
        scan(cut)


def test_a_text_file_cut_in_the_middle_of_a_row_is_refused(tmp_path: Path) -> None:
    """The message says which row it is, and holds no cell."""
    path = tmp_path / "cut.csv"
    path.write_text("a,b,c\n1,2,secret\n\n3,4", encoding="utf-8")
    with pytest.raises(DataRefused, match="row of 2 cells at row 2,") as refused:
        scan(path)
    assert "secret" not in str(refused.value)
    lines = tmp_path / "cut.jsonl"
    lines.write_text('{"a": 1}\n{"a": ', encoding="utf-8")
    with pytest.raises(DataRefused, match=r"cut\.jsonl"):
        scan(lines)


def test_numbers_that_turn_into_texts_late_are_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first block of a file does not tell; a file too large to be read as a whole is refused."""
    monkeypatch.setattr(scan_batches, "_BLOCK_BYTES", 64)
    path = tmp_path / "late.csv"
    path.write_text("a,day\n" + "1,2026-01-02\n" * 50 + "x,2026-01-03\n", encoding="utf-8")
    found = scan(path)
    assert (found.rows, found.columns["a"].kind, found.columns["day"].kind) == (51, ColumnKind.TEXT, ColumnKind.TEXT)
    monkeypatch.setattr(scan_batches, "_MOST_WHOLE_BYTES", 100)
    with pytest.raises(DataRefused, match="write it as Parquet"):
        scan(path)


def test_a_small_file_that_claims_too_much_is_refused_in_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks through a large file of his own has the time."""
    monkeypatch.setattr("serinus.adapters.tables.refusals._MAXIMUM_CELLS", 100)
    path = _as_parquet(a_file(), tmp_path / "rows")
    with pytest.raises(DataRefused, match="above 100 cells"):
        ArrowScanner().scan("rows.parquet", path.read_bytes(), Questions(_NOW))
    assert scan(path).rows == _ROWS


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    """It is neither numbers nor texts."""
    with pytest.raises(DataRefused, match="neither numbers nor texts"):
        scan(_as_parquet(pa.table({"a": [[1], [2]]}), tmp_path / "rows"))


def test_texts_in_another_encoding_are_refused_as_such(tmp_path: Path) -> None:
    """They come as bytes, which says nothing to whoever saved a spreadsheet."""
    path = tmp_path / "saved.csv"
    path.write_bytes("town\nZürich\n".encode("latin-1"))
    with pytest.raises(DataRefused, match="no UTF-8"):
        scan(path)


def test_a_column_without_values_fits_any_condition(tmp_path: Path) -> None:
    """It cannot be told of such a row, but whether a value is there can."""
    table = pa.table({"email": pa.nulls(3), "age": [1, 2, 3]})
    expected = (Expectation("email like '%@%'"), Expectation("email is not null"), Expectation("age / 0 > 1"))
    found = scan(_as_parquet(table, tmp_path / "rows"), Questions(_NOW, expectations=expected))
    assert found.columns["email"].kind is None
    assert found.broken == (Occurrences(), Occurrences(3, (1, 2, 3)), Occurrences())


def test_millions_of_categories_take_bounded_memory() -> None:
    """How many there are is known to within a few percent."""
    counter = row_hashes.DistinctCount()
    for start in range(0, 3_000_000, 100_000):
        counter.add(row_hashes.mixed(np.arange(start, start + 100_000, dtype=np.uint64)))
    assert counter.estimate == pytest.approx(3_000_000, rel=0.06)


def test_texts_of_many_kinds_do_not_come_as_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch would bring all texts of its row group along; what is counted is the same."""
    monkeypatch.setattr(scan_batches, "_BATCH_ROWS", 1_000)
    table = pa.table({"name": [f"name {at}" for at in range(6_000)], "kind": ["a", "b"] * 3_000})
    path = _as_parquet(table, tmp_path / "rows")
    batch = next(scan_batches.batches_of("rows.parquet", path, bounded=False))
    assert [pa.types.is_dictionary(field.type) for field in batch.schema] == [False, True]
    found = scan(path)
    assert found.columns["name"].distinct == pytest.approx(6_000, rel=0.05)
    assert (found.columns["kind"].distinct, found.duplicates.repeated) == (2, 0)


def test_a_text_of_megabytes_is_refused(tmp_path: Path) -> None:
    """It is no category, and what is done with texts takes room; many long ones are taken in parts."""
    with pytest.raises(DataRefused, match="more than 1,000,000 bytes"):
        scan(_as_parquet(pa.table({"a": ["x" * 1_000_001]}), tmp_path / "rows"))
    long = [f"{at}" * 50_000 for at in range(40)]
    found = scan(_as_parquet(pa.table({"a": [*long, long[3]]}), tmp_path / "rows"))
    assert (found.columns["a"].distinct, found.duplicates.rows) == (40, (41,))


def test_many_rows_are_sampled_by_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample holds all copies of a row or none, so the share of copies is the file's."""
    monkeypatch.setattr("serinus.adapters.tables.scan._HASHES", 4_000)
    values = np.concatenate([np.arange(20_000.0), np.arange(10_000.0)])
    found = scan(_as_parquet(pa.table({"a": values}), tmp_path / "rows"))
    assert 2_000 < found.duplicates.looked_at <= 4_000
    assert found.duplicates.share == pytest.approx(1 / 3, abs=0.03)
    other = scan(_as_parquet(pa.table({"a": np.arange(500.0)}), tmp_path / "few"))
    assert overlap(other.hashes, found.hashes).share == 1.0


def test_great_whole_numbers_are_told_apart(tmp_path: Path) -> None:
    """An id beyond 2**53 has a neighbour that is the same float64."""
    ids = [2**60, 2**60 + 1, 2**60 + 1, None]
    found = scan(_as_parquet(pa.table({"id": ids}), tmp_path / "rows"), Questions(_NOW, id_column="id"))
    assert found.duplicate_ids is not None
    assert (found.duplicate_ids.looked_at, found.duplicate_ids.repeated) == (3, 1)


def test_blank_texts_are_alike_in_every_batch(tmp_path: Path) -> None:
    """Also in one that has no other text."""
    sink = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": ["x", "", ""]}), sink, row_group_size=2)
    assert scan(sink).duplicates.rows == (3,)


_CELLS = st.one_of(st.none(), st.text(alphabet="abäß€🙂", max_size=4))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_CELLS, st.one_of(st.none(), st.integers(-3, 3))), min_size=1, max_size=60))
def test_copies_are_what_python_counts(rows: list[tuple[str | None, int | None]]) -> None:
    """With blanks, in any order, as floats or whole numbers."""
    table = pa.table(
        {
            "text": pa.array([row[0] for row in rows], pa.string()),
            "number": pa.array([row[1] for row in rows], pa.int64()),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=7)
    found = ArrowScanner().scan("rows.parquet", sink.getvalue().to_pybytes(), Questions(_NOW))
    assert found.duplicates.repeated == len(rows) - len(set(rows))
    assert found.columns["number"].missing.count == sum(row[1] is None for row in rows)
    assert found.columns["text"].distinct == len({row[0] for row in rows} - {None})
