"""Rows of a file are counted alike, however they come in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.domain.bins import NumericBins, Special, TextBins, precision
from serinus.domain.layout import CHANCES, LATENCIES, Layout, layout_from
from serinus.domain.policy import Slicing
from serinus.domain.profile import of_rows
from serinus.domain.reference_sketch import sketch_profile
from serinus.domain.row_batch import BatchColumn, NumberColumn, RowBatch, TextColumn
from serinus.domain.row_counts import expected_by, profile_of_batches
from serinus.domain.signature import Datatype
from serinus.domain.table import Column, Table
from serinus.errors import DataRefused
from tests.builders import a_signature, a_table, an_object_column, scores_of

NUMBERS = st.floats(width=32)
TEXTS = st.none() | st.text(max_size=3) | st.dates().map(str)
ROWS = st.lists(st.tuples(NUMBERS, TEXTS), min_size=1, max_size=80)
CUTS = st.lists(st.integers(0, 80), max_size=5)


def batch_of(table: Table, *, file: str = "table", first: int = 0) -> RowBatch:
    """Return a table as one batch."""
    columns: dict[str, BatchColumn] = {}
    for name, column in table.columns.items():
        if column.dtype == object:
            number: dict[str, int] = {}
            values = column.tolist()
            codes = [-1 if value is None else number.setdefault(value, len(number)) for value in values]
            columns[name] = TextColumn(np.array(codes, dtype=np.int64), list(number))
        else:
            columns[name] = NumberColumn(np.asarray(column, dtype=np.float64))
    return RowBatch(file, first, table.rows, columns)


def a_file(rows: list[tuple[float, str | None]]) -> Table:
    """Return the rows as columns."""
    return Table(
        {"x": np.array([number for number, _ in rows]), "text": an_object_column([text for _, text in rows])}
    )


def in_batches(table: Table, cuts: list[int]) -> list[RowBatch]:
    """Cut a table at these rows."""
    ends = sorted({0, table.rows, *(cut for cut in cuts if cut < table.rows)})
    return [batch_of(table.slice(start, end), first=start) for start, end in pairwise(ends)]


@given(ROWS, CUTS)
def test_a_known_layout_counts_alike_in_any_batches(rows: list[tuple[float, str | None]], cuts: list[int]) -> None:
    """As rows that are counted at once without a score."""
    table = a_file(rows)
    layout = sketch_profile([batch_of(a_file(rows[::2]))]).profile.layout
    expected = of_rows(layout, table, np.full(table.rows, np.nan))
    batches = in_batches(table, cuts)
    assert profile_of_batches(layout, batches) == expected
    assert profile_of_batches(layout, reversed(batches)) == expected
    assert (
        sum((profile_of_batches(layout, [one]) for one in batches[1:]), profile_of_batches(layout, batches[:1]))
        == expected
    )


@given(ROWS, CUTS)
def test_a_new_layout_is_the_same_in_any_batches(rows: list[tuple[float, str | None]], cuts: list[int]) -> None:
    """And its counts are those that a second pass by it would give."""
    table = a_file(rows)
    sketched = sketch_profile([batch_of(table)])
    again = sketch_profile(in_batches(table, cuts))
    assert again.profile.layout == sketched.profile.layout
    assert again.profile == sketched.profile
    assert again.distinct == sketched.distinct
    assert sketched.profile == profile_of_batches(sketched.profile.layout, [batch_of(table)])


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(["random", "rising", "falling", "late", "ticks", "dates", "notes"]), st.integers(9_000, 70_001)
)
def test_a_long_file_is_the_same_in_any_batches(kind: str, size: int) -> None:
    """Past the rows that choose the first steps, past ten thousand texts; counts are exact all the same."""
    table = Table({"x": a_long_column(kind, 200_000)})
    whole = sketch_profile([batch_of(table)])
    cut = sketch_profile(in_batches(table, list(range(0, table.rows, size))))
    assert cut.profile.layout == whole.profile.layout
    assert cut.profile == whole.profile
    assert whole.profile == profile_of_batches(whole.profile.layout, [batch_of(table)])


@given(ROWS, CUTS)
def test_columns_that_come_a_few_at_a_time_count_alike(rows: list[tuple[float, str | None]], cuts: list[int]) -> None:
    """As those of a wide file do: first some columns of all rows, then the others."""
    whole = in_batches(a_file(rows), cuts)
    apart = [
        replace(batch, columns={name: batch.columns[name]}, elsewhere=frozenset({"x", "text"} - {name}), again=again)
        for name, again in (("x", False), ("text", True))
        for batch in whole
    ]
    sketched = sketch_profile(whole)
    assert sketch_profile(apart).profile == sketched.profile
    assert sketch_profile(apart).distinct == sketched.distinct
    assert profile_of_batches(sketched.profile.layout, apart) == sketched.profile


def test_columns_that_count_together_have_to_come_together() -> None:
    """A slice is never counted by half of a row; whoever reads the file is told beforehand."""
    reference = a_table(300, seed=3)
    layout = layout_from(
        a_signature(), reference, scores_of(reference), slicings=[Slicing("colour", profiled=True)]
    ).without_joint
    assert expected_by(layout).together
    assert not expected_by(layout.without_slices).together
    batch = batch_of(reference)
    some = {name: column for name, column in batch.columns.items() if name != "colour"}
    with pytest.raises(ValueError, match="have to come together"):
        profile_of_batches(layout, [replace(batch, columns=some, elsewhere=frozenset({"colour"}))])


@pytest.mark.parametrize("kind", ["random", "rising", "falling", "late"])
def test_the_bins_of_a_long_file_hold_about_equal_shares(kind: str) -> None:
    """A fortieth each, whatever order the values come in."""
    profile = sketch_profile([batch_of(Table({"x": a_long_column(kind, 200_000)}))]).profile
    bins = profile.layout.features[0]
    shares = profile.feature(0)[bins.inner] / 200_000
    assert shares.max() < 0.04
    assert isinstance(bins, NumericBins)
    assert bins.inner_width >= 38


def a_long_column(kind: str, rows: int) -> Column:
    """Return values in an order that is hard to choose bins by."""
    chance = np.random.default_rng(5)
    found: dict[str, Callable[[], Column]] = {
        "random": lambda: chance.normal(size=rows),
        "rising": lambda: np.arange(float(rows)),
        "falling": lambda: -(np.arange(float(rows)) ** 2),
        "late": lambda: np.concatenate([np.linspace(0, 1, rows // 2), np.linspace(50, 100, rows // 2)]),
        "ticks": lambda: chance.integers(0, 3, rows).astype(np.float64),
        "dates": lambda: an_object_column(
            [str(np.datetime64("1970-01-01") + day) for day in chance.integers(0, 20_000, rows).tolist()]
        ),
        "notes": lambda: an_object_column([f"note {number}" for number in chance.integers(0, 50_000, rows).tolist()]),
    }
    return found[kind]()


def test_ten_times_ten_thousand_texts_stay_within_bounds() -> None:
    """Free text keeps no text; what it counts is the whole of it."""
    batches = [
        RowBatch("f", at, 10_000, {"x": TextColumn(np.arange(10_000), [f"id-{at + row}" for row in range(10_000)])})
        for at in range(0, 100_000, 10_000)
    ]
    sketched = sketch_profile(iter(batches))
    assert isinstance(sketched.profile.layout.features[0], TextBins)
    assert sketched.profile.layout.size < 1_300
    assert (sketched.profile.rows, int(sketched.profile.feature(0).sum())) == (100_000, 100_000)
    assert sketched.distinct == {"x": None}


@pytest.mark.parametrize(
    ("column", "distinct"),
    [
        (NumberColumn(np.full(9, 7.0)), 1),
        (NumberColumn(np.array([1.0, 1.0 + 2**-52])), 2),
        (NumberColumn(np.full(9, np.nan)), 0),
        (NumberColumn(np.array([np.nan, np.nan, 3.0]), np.array([True, False, False])), 2),
        (NumberColumn(np.arange(256.0)), 256),
        (NumberColumn(np.arange(257.0)), None),
        (TextColumn(np.zeros(9, dtype=np.int64), ["a"]), 1),
        (TextColumn(np.full(9, -1), []), 0),
    ],
)
def test_different_values_are_told_rightly(column: NumberColumn | TextColumn, distinct: int | None) -> None:
    """One value, none, few; beyond 256 numbers, that there are more."""
    rows = column.values.size if isinstance(column, NumberColumn) else column.codes.size
    sketched = sketch_profile([RowBatch("f", 0, rows, {"x": column})])
    assert sketched.distinct == {"x": distinct}
    assert sketched.profile.feature(0).sum() == rows


def test_nan_is_told_from_missing() -> None:
    """Where the file tells them apart; slices count the same."""
    batch = RowBatch("f", 0, 3, {"x": NumberColumn(np.array([np.nan, np.nan, 3.0]), np.array([True, False, False]))})
    bins = NumericBins("x", (0.0, 5.0), detailed=True)
    counts = profile_of_batches(Layout(LATENCIES, CHANCES, (bins,)), [batch]).feature(0)
    assert (counts[0], counts[bins.specials[Special.NOT_A_NUMBER]], counts[2]) == (1, 1, 1)


def test_slices_are_counted_in_files_too() -> None:
    """As in prediction records."""
    reference = a_table(300, seed=3)
    slicings = [Slicing("colour", profiled=True)]
    layout = layout_from(a_signature(), reference, scores_of(reference), slicings=slicings)
    expected = of_rows(layout, reference, np.full(300, np.nan))
    assert profile_of_batches(layout, in_batches(reference, [100])) == expected
    assert profile_of_batches(layout, []).rows == 0


def test_another_schema_is_refused() -> None:
    """A column that is not there, texts instead of numbers; numbers are spelled out where texts are wanted."""
    layout = sketch_profile([batch_of(a_file([(1.0, "7"), (2.0, "8")]))]).profile.layout
    expected = expected_by(layout)
    assert (expected.numbers, expected.texts) == (("x",), ("text",))
    with pytest.raises(DataRefused, match=r"f\.csv has no column 'text'.*its columns are 'x', 'y'"):
        profile_of_batches(layout, [batch_of(Table({"x": np.zeros(2), "y": np.zeros(2)}), file="f.csv")])
    texts = an_object_column([None, "one"])
    with pytest.raises(DataRefused, match=r"f\.csv, row 12: column 'x' holds text such as 'one'"):
        profile_of_batches(layout, [batch_of(Table({"x": texts, "text": texts}), file="f.csv", first=10)])
    spelled = Table({"x": np.zeros(3), "text": np.array([7.0, 9.0, np.nan])})
    assert profile_of_batches(layout, [batch_of(spelled)]).feature(1).tolist() == [1, 1, 1, 0, 0]
    empty = Table({"x": an_object_column([None]), "text": an_object_column(["8"])})
    assert profile_of_batches(layout, [batch_of(empty)]).feature(0)[0] == 1


def test_a_schema_that_changes_midway_is_refused() -> None:
    """A new reference is never made of half of the columns."""
    first = batch_of(Table({"x": np.zeros(2)}))
    with pytest.raises(DataRefused, match="from row 3 on: column 'y' is not in all rows"):
        sketch_profile([first, batch_of(Table({"x": np.zeros(2), "y": np.zeros(2)}), first=2)])
    with pytest.raises(DataRefused, match="changes between numbers and texts"):
        sketch_profile([first, batch_of(Table({"x": an_object_column(["a"])}), first=2)])


def test_numbers_of_32_bits_keep_their_precision() -> None:
    """They are counted as requests of 32 bits will be."""
    values = np.array([0.1, 0.2, 0.3], dtype=np.float32)
    bins = sketch_profile([RowBatch("f", 0, 3, {"x": NumberColumn(values)})]).profile.layout.features[0]
    assert isinstance(bins, NumericBins)
    assert precision(bins.datatype) is np.float32
    assert bins.datatype is Datatype.FP32
