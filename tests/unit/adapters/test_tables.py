"""Data files as tables: what is read, what is refused, and what the refusal says."""

from __future__ import annotations

import contextlib
import datetime
import io
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.table import Column, Table
from serinus.errors import DataRefused

TABLES = ArrowTables()


def parquet(columns: dict[str, object]) -> bytes:
    """Return a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def texts(column: Column) -> list[object]:
    """Return a column's values, checked to be objects."""
    assert column.dtype == object
    return list(column)


def test_a_csv_file_becomes_numbers_and_texts() -> None:
    """Numbers are float64, booleans 0 and 1, and a blank cell is a missing value in either kind."""
    table = TABLES.read("rows.csv", b"n,flag,name\n1,true,x\n,,\n2.5,false,NA\n")
    np.testing.assert_array_equal(table.columns["n"], [1.0, np.nan, 2.5])
    np.testing.assert_array_equal(table.columns["flag"], [1.0, np.nan, 0.0])
    assert texts(table.columns["name"]) == ["x", None, "NA"]


def test_a_blank_line_of_a_single_column_is_a_missing_value() -> None:
    """Otherwise the rows after it would move up against the labels."""
    table = TABLES.read("rows.csv", b"n\n1\n\n3\n")
    np.testing.assert_array_equal(table.columns["n"], [1.0, np.nan, 3.0])


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """Excel writes one."""
    assert list(TABLES.read("rows.csv", b"\xef\xbb\xbfa,b\n1,2\n").columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("rows.csv", b"day,at,zone\n2024-01-01,2024-01-01 10:00:00,10:30:00\n"),
        ("rows.jsonl", b'{"day": "2024-01-01", "at": "2024-01-01 10:00:00", "zone": "10:30:00"}\n'),
    ],
)
def test_texts_that_look_like_times_stay_as_written(name: str, body: bytes) -> None:
    """What the model will be asked about live are these texts, not another spelling of them."""
    table = TABLES.read(name, body)
    assert [texts(column)[0] for column in table.columns.values()] == [
        "2024-01-01",
        "2024-01-01 10:00:00",
        "10:30:00",
    ]


def test_json_lines_become_the_same_table() -> None:
    """A key that a line lacks is a missing value."""
    table = TABLES.read("rows.jsonl", b'{"n": 1, "s": "x", "b": true}\n\n{"n": 2.5, "s": null}\n')
    np.testing.assert_array_equal(table.columns["n"], [1.0, 2.5])
    np.testing.assert_array_equal(table.columns["b"], [1.0, np.nan])
    assert texts(table.columns["s"]) == ["x", None]


def test_every_plain_kind_of_parquet_column_is_read() -> None:
    """Dates and times become ISO texts, in UTC where they name a zone; dictionaries become what they stand for."""
    table = TABLES.read(
        "rows.parquet",
        parquet(
            {
                "int": pa.array([2**60, None]),
                "half": pa.array([1.5, None], pa.float16()),
                "flag": pa.array([True, None]),
                "nothing": pa.array([None, None]),
                "category": pa.array(["a", None]).dictionary_encode(),
                "day": pa.array([datetime.date(2024, 1, 2), None]),
                "naive": pa.array([1, None], pa.timestamp("us")),
                "zoned": pa.array([0, None], pa.timestamp("ns", tz="Europe/Paris")),
                "time": pa.array([1_000, None], pa.time64("ns")),
                "far": pa.array([2**62, None], pa.timestamp("us")),
            }
        ),
    )
    found = {name: list(column) for name, column in table.columns.items()}
    assert found["int"][0] == float(2**60)
    assert found["half"][0] == 1.5
    assert found["flag"][0] == 1.0
    assert all(np.isnan(found[name][1]) for name in ("int", "half", "flag", "nothing"))
    assert found["category"] == ["a", None]
    assert found["day"] == ["2024-01-02", None]
    assert found["naive"] == ["1970-01-01T00:00:00.000001", None]
    assert found["zoned"] == ["1970-01-01T00:00:00+00:00", None]
    assert found["time"] == ["00:00:00.000001", None]
    assert found["far"] == [None, None]


def test_columns_in_several_chunks_are_joined_in_order() -> None:
    """A Parquet file of several row groups arrives in pieces."""
    sink = io.BytesIO()
    pq.write_table(
        pa.table({"n": pa.array(range(10)), "s": pa.array([str(i) for i in range(10)])}), sink, row_group_size=3
    )
    table = TABLES.read("rows.parquet", sink.getvalue())
    np.testing.assert_array_equal(table.columns["n"], np.arange(10.0))
    assert texts(table.columns["s"]) == [str(i) for i in range(10)]


REFUSED = [
    ("rows.xlsx", b"PK", "rows.xlsx is of no kind that Serinus reads"),
    ("rows.csv", b"", "rows.csv is empty"),
    ("rows.csv", b" \n\n", "rows.csv is empty"),
    ("rows.csv", b"a,b\n", "has a header but no rows"),
    ("rows.csv", b"a,a\n1,2\n", "column 'a' comes twice"),
    ("rows.csv", b"a,\n1,2\n", "column 2 of 2 has no name"),
    ("rows.csv", b'a,b\n1,2\n\n"x\ny",4\n5,6,7\n', "line 6 has 3 cells, but the header has 2"),
    ("rows.csv", b"a,b\n1\n", "line 2 has 1 cells, but the header has 2"),
    ("rows.csv", b"a,b\n1,2\n\xff,3\n", "line 3 is not UTF-8"),
    ("rows.csv", "a,b\n1,2\n".encode("utf-16"), "is not UTF-8"),
    ("rows.csv", b"x" * 200_000 + b"\n1\n", "no CSV file that can be read"),
    ("rows.jsonl", b'{"a": 1}\n\n{"a": "x"}\n', "line 3: Column(/a) changed from number to string"),
    ("rows.jsonl", b'{"a": 1}\n{"a": ', "line 2: "),
    ("rows.jsonl", b'{"a": 1, "a": 2}\n', "line 1: Column(/a) was specified twice"),
    ("rows.jsonl", b"{}\n", "has no columns"),
    ("rows.jsonl", b'{"": 1}\n', "column 1 of 1 has no name"),
    ("rows.jsonl", b'{"a": [1]}\n', "column 'a' holds list<item: int64>"),
    ("rows.jsonl", b'{"a": ' + b"[" * 100_000, "line 1: "),
    ("rows.jsonl", b"[1, 2]\n", "line 1: "),
    ("rows.parquet", b"a,b\n1,2\n", "is no Parquet file (it does not begin with PAR1)"),
    ("rows.parquet", parquet({"a": [1]})[:-5], "is cut off"),
    ("rows.parquet", b"PAR1" + b"\x00" * 8 + b"PAR1", "is a damaged Parquet file"),
    ("rows.parquet", parquet({"a": pa.array([b"x"])}), "column 'a' holds binary"),
    ("rows.parquet", parquet({"a": pa.array([], pa.int64())}), "has a header but no rows"),
]


@pytest.mark.parametrize(("name", "body", "says"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_table_is_refused(name: str, body: bytes, says: str) -> None:
    """The refusal names the file, says what is wrong and where, and what to do."""
    with pytest.raises(DataRefused) as refusal:
        TABLES.read(name, body)
    assert says in str(refusal.value)
    assert str(refusal.value).startswith(name)
    assert "\n" not in str(refusal.value)
    assert ": " in str(refusal.value)


def test_a_file_that_claims_too_many_cells_is_refused_unread() -> None:
    """A Parquet file of kilobytes can claim billions of equal values."""
    body = parquet({f"c{i}": pa.array(np.zeros(300_000), pa.float64()) for i in range(1)})
    sink = io.BytesIO()
    one = pa.array(np.zeros(1_000_000, dtype=np.int8))
    pq.write_table(pa.table({f"c{i}": one for i in range(251)}), sink, compression="zstd")
    assert TABLES.read("small.parquet", body).rows == 300_000
    with pytest.raises(DataRefused, match="claims 1000000 rows of 251 columns"):
        TABLES.read("big.parquet", sink.getvalue())


@given(st.data())
def test_a_damaged_parquet_file_is_refused_or_read(data: st.DataObject) -> None:
    """Bytes changed anywhere inside a file raise nothing but a refusal."""
    body = bytearray(parquet({"n": [1.0, None, 3.0], "s": ["x", None, "é"]}))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(4, len(body) - 5))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DataRefused):
        assert TABLES.read("rows.parquet", bytes(body)).rows > 0


@given(st.binary(max_size=200), st.sampled_from(["rows.csv", "rows.jsonl", "rows.parquet"]))
def test_garbage_is_refused_or_read(body: bytes, name: str) -> None:
    """Arbitrary bytes raise nothing but a refusal."""
    with contextlib.suppress(DataRefused):
        assert TABLES.read(name, body).rows > 0


@given(
    st.lists(
        st.tuples(st.floats(allow_infinity=True), st.none() | st.text(st.characters(exclude_categories=["Cs"]))),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(rows: list[tuple[float, str | None]]) -> None:
    """Writing loses nothing, and the same table gives the same bytes."""
    names = np.empty(len(rows), dtype=object)
    names[:] = [name for _, name in rows]
    table = Table({"n": np.array([number for number, _ in rows]), "s": names})
    body = TABLES.write(table)
    assert body == TABLES.write(table)
    found = TABLES.read("rows.parquet", body)
    np.testing.assert_array_equal(found.columns["n"], table.columns["n"])
    assert list(found.columns["s"]) == [name for _, name in rows]


def test_pandas_is_never_imported() -> None:
    """It would cost each function that reads a file 0.3 s."""
    TABLES.read("rows.parquet", TABLES.write(TABLES.read("rows.csv", b"a,b\n1,x\n")))
    assert "pandas" not in sys.modules
