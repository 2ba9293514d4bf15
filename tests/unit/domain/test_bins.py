"""Bins: every value has one slot, and every slot one meaning."""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.bins import (
    Bins,
    CategoricalBins,
    DateBins,
    NumericBins,
    Special,
    TextBins,
    absent,
    outside,
    precision,
)
from serinus.domain.chosen_bins import category_bins, numeric_bins, quantiles_of, text_bins
from serinus.domain.signature import Datatype
from serinus.domain.slotting import BITS_A_CATEGORY, Remembered, remembered, stepped
from tests.builders import an_object_column

FINITE = st.floats(allow_nan=False, allow_infinity=False)
BOUND = st.none() | st.floats(-1e3, 1e3)


@given(
    st.lists(FINITE, min_size=1, max_size=50),
    st.tuples(BOUND, BOUND),
    st.sampled_from([Datatype.FP32, Datatype.FP64]),
    st.lists(st.floats(), max_size=40),
)
def test_a_grid_tells_the_slot_that_bisection_tells(
    edges: list[float], declared: tuple[float | None, float | None], datatype: Datatype, values: list[float]
) -> None:
    """At edges, beside them and far from them, however near or far apart those are."""
    kind = precision(datatype)
    bins = NumericBins("x", tuple(sorted(edges)), datatype, declared, detailed=True)
    bounds = [bound for bound in declared if bound is not None]
    with np.errstate(over="ignore"):
        asked = np.array([*values, *edges, *bounds, math.inf, -math.inf], dtype=kind)
        asked = np.concatenate([asked, np.nextafter(asked, kind(np.inf)), np.nextafter(asked, kind(-np.inf))])
        rounded = [float(kind(edge)) for edge in sorted(edges)]
        low, high = (None if bound is None else float(kind(bound)) for bound in declared)
    steps, slots = stepped(rounded, (low, high), detailed=True)
    expected = [0 if value != value else slots[bisect_right(steps, value)] for value in asked.tolist()]
    assert bins.slots(asked.astype(np.float64)).tolist() == expected


@given(
    st.lists(st.integers(-3, 3).map(float) | FINITE, min_size=1, max_size=7).map(sorted),
    st.tuples(BOUND, BOUND),
    st.booleans(),
    st.lists(st.floats(allow_nan=False), max_size=20),
)
def test_steps_say_what_bins_promise(
    edges: list[float], declared: tuple[float | None, float | None], detailed: bool, values: list[float]
) -> None:
    """What is infinite first, then what is out of the declared range, then where it lies between the edges."""
    steps, slots = stepped(edges, declared, detailed=detailed)
    inner = max(len(edges) - 1, 1)
    low, high = (-math.inf if declared[0] is None else declared[0], math.inf if declared[1] is None else declared[1])
    beside = [math.nextafter(edge, way) for edge in edges for way in (-math.inf, math.inf)]
    for value in (*values, *edges, *beside, math.inf, -math.inf):
        inside = min(bisect_right(edges, value) - 1, inner - 1) + 2
        expected = 1 if value < edges[0] else inner + 2 if value > edges[-1] else inside
        if detailed and not low <= value <= high:
            expected = inner + (5 if value < low else 6)
        if detailed and math.isinf(value):
            expected = inner + (3 if value < 0 else 4)
        assert slots[bisect_right(steps, value)] == expected


def test_what_is_beyond_a_number_is_told_apart() -> None:
    """Below and above the reference, out of the declared range, infinite: each has a slot of its own."""
    bins = NumericBins("age", (18.0, 40.0, 90.0), declared=(0.0, 120.0), detailed=True)
    values = np.array([np.nan, 10.0, 30.0, 90.0, 100.0, -1.0, 121.0, -np.inf, np.inf])
    special = {slot: meaning for meaning, slot in bins.specials.items()}
    assert [special.get(slot, slot) for slot in bins.slots(values).tolist()] == [
        Special.MISSING,
        Special.BELOW,
        2,
        3,
        Special.ABOVE,
        Special.UNDER_DECLARED,
        Special.OVER_DECLARED,
        Special.NEGATIVE_INFINITE,
        Special.POSITIVE_INFINITE,
    ]
    counts = np.bincount(bins.slots(values), minlength=bins.width)
    assert (int(absent(bins, counts)), int(outside(bins, counts))) == (1, 6)
    assert bins.rising(counts).tolist() == [3, 1, 1, 3]


@pytest.mark.parametrize(
    "bins",
    [
        NumericBins("x", (0.0, 1.0, 2.0)),
        NumericBins("x", (0.0, 1.0, 2.0), detailed=True),
        CategoricalBins("x", ("a", "b")),
        category_bins("x", {str(number): 1 for number in range(300)}),
        TextBins("x"),
        DateBins("x", (0.0, 86_400.0)),
    ],
)
def test_every_slot_is_an_inner_bin_or_special(bins: Bins) -> None:
    """None is both, none is neither, and missing comes first."""
    inner = set(range(bins.inner.start, bins.inner.stop))
    assert inner.isdisjoint(bins.specials.values())
    assert inner | set(bins.specials.values()) == set(range(bins.width))
    assert bins.specials[Special.MISSING] == 0
    assert bins.slots(an_object_column([None])).tolist() == [0]


def test_rarer_categories_are_told_from_unseen_ones() -> None:
    """All that the reference has are known; of others, less than 2 % are taken for known."""
    counts = {f"c{number}": 2 + (number < 200) for number in range(5_000)}
    bins = category_bins("c", counts)
    assert bins.rarer is not None
    assert len(bins.rarer) < (5_000 - 200) * BITS_A_CATEGORY / 8 * 4 / 3 + 8
    known = bins.slots(an_object_column(list(counts)))
    assert np.bincount(known, minlength=bins.width)[[1, bins.specials[Special.OTHER]]].tolist() == [0, 4_800]
    unseen = bins.slots(an_object_column([f"d{number}" for number in range(5_000)]))
    assert np.mean(unseen == bins.specials[Special.OTHER]) < 0.02


@given(st.lists(st.text(max_size=5)))
def test_what_is_remembered_is_known(categories: list[str]) -> None:
    """A Bloom filter denies nothing that it holds; an empty one knows nothing."""
    kept = Remembered(remembered(categories))
    assert all(category in kept for category in categories)
    assert "a" not in Remembered("")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("42", "digits of 1 to 2"),
        ("Zürich", "letters of 5 to 8"),
        ("two words", "words of 9 to 16"),
        ("A-17_b.4", "identifiers of 5 to 8"),
        ("who@example.org", "e-mail addresses of 9 to 16"),
        ("It is 5 o'clock.", "sentences of 9 to 16"),
        ("#!?", "others of 3 to 4"),
        ("x" * 400, "letters of 129 or more"),
    ],
)
def test_free_text_is_counted_by_what_it_is_made_of_and_its_length(text: str, kind: str) -> None:
    """No text is kept."""
    bins = TextBins("note")
    assert bins.kinds[bins.slot(text) - bins.inner.start] == kind


def test_dates_are_binned_over_time() -> None:
    """Dates, instants with and without a zone; before, after, and what is no date."""
    bins = text_bins("day", {f"2026-01-{day:02d}": 3 for day in range(1, 32)})
    assert isinstance(bins, DateBins)
    said = ["2025-12-31", "2026-01-01T00:00:00", "2026-01-31T01:00+01:00", "2026-02-01", "01.01.2026", "", None]
    slots = bins.slots(an_object_column(said)).tolist()
    after = bins.specials[Special.ABOVE]
    assert slots == [1, 2, bins.inner.stop - 1, after, after + 1, after + 1, 0]
    assert [bins.slot(text) for text in said if text is not None] == slots[:-1]


def test_texts_get_bins_by_how_many_there_are() -> None:
    """Few make categories, many rare ones free text, many frequent ones categories again."""
    assert isinstance(text_bins("x", {"a": 5, "b": 1}), CategoricalBins)
    assert isinstance(text_bins("x", {f"note {number}": 1 for number in range(300)}), TextBins)
    assert isinstance(text_bins("x", {f"c{number}": 9 for number in range(300)}), CategoricalBins)
    assert isinstance(text_bins("x", {f"c{number}": 9 for number in range(10_001)}), TextBins)
    assert isinstance(text_bins("x", {}), CategoricalBins)


def test_a_bin_of_one_value_is_known_as_such() -> None:
    """A flag's two bins hold one value each, those of a continuous number do not."""
    flag = numeric_bins("x", quantiles_of(np.array([0.0] * 50 + [1.0] * 50)), Datatype.FP32)
    alone = [flag.holds_one_value(slot) for slot in range(flag.inner.start, flag.inner.stop)]
    at = flag.slots(np.array([0.0, 1.0])) - flag.inner.start
    assert [alone[place] for place in at.tolist()] == [True, True]
    assert not NumericBins("x", (0.0, 1.0)).holds_one_value(2)
    assert NumericBins("x", (3.0,)).holds_one_value(2)
