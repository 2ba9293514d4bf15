"""The inference function bins rows as profiles do, value for value, without numpy."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from typing import Never

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.domain.bins import CategoricalBins, NumericBins
from serinus.domain.layout import Layout, layout_from
from serinus.domain.lean_layout import LeanLayout
from serinus.domain.profile import of_rows
from serinus.domain.profile_slices import SlicedBy
from serinus.domain.signature import Datatype
from serinus.domain.table import Table
from serinus.domain.tensor import Block, Tensor
from serinus.errors import ModelFailed, ModelRefused
from tests.builders import a_layout, a_signature, a_table, an_object_column, reached_in_numpy, scores_of

LATENCY = NumericBins("latency_ms", (0.0, 1.0))
SCORE = NumericBins("score", (0.0, 0.5, 1.0))
DATATYPES = st.sampled_from([Datatype.FP32, Datatype.FP16, Datatype.FP64, Datatype.INT64, Datatype.BOOL])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def lean(layout: Layout) -> LeanLayout:
    """Return the layout as a release carries it."""
    return LeanLayout(json.loads(json.dumps({"digest": layout.digest, **layout.document})), reached_in_numpy)


@settings(max_examples=300)
@given(st.lists(NUMBERS, min_size=1, max_size=6), DATATYPES, st.lists(st.none() | st.floats() | st.booleans()))
def test_numbers_fall_into_the_same_bins(
    edges: list[float], datatype: Datatype, values: list[float | bool | None]
) -> None:
    """At the edges, between and beyond them, in the feature's own precision; missing values and infinities too."""
    bins = NumericBins("x", tuple(sorted(edges)), datatype)
    asked = [*values, *edges, *(math.nextafter(edge, math.inf) for edge in edges)]
    column = np.array([np.nan if value is None else value for value in asked], dtype=np.float64)
    layout = Layout(LATENCY, SCORE, (bins,))
    assert lean(layout).bins({"x": asked}) == {"x": bins.slots(column).tolist()}


@given(st.lists(st.text(max_size=2), unique=True), st.lists(st.none() | st.text(max_size=2)))
def test_categories_fall_into_the_same_bins(categories: list[str], values: list[str | None]) -> None:
    """Known, other and missing ones."""
    bins = CategoricalBins("c", tuple(categories))
    layout = Layout(LATENCY, SCORE, (bins,))
    assert lean(layout).bins({"c": values}) == {"c": bins.slots(an_object_column(values)).tolist()}


def test_rows_count_into_the_same_slots() -> None:
    """Of all but the joint section, as often; columns that the layout does not count are passed over."""
    table = a_table(200)
    scores = scores_of(table)
    layout = layout_from(a_signature(), a_table(300, seed=7), scores_of(a_table(300, seed=7)))
    columns = {name: column.tolist() for name, column in table.columns.items()}
    blocks = [Block((name,), values) for name, values in {**columns, "more": [1.0] * 200}.items()]
    slots, times = lean(layout).counts(blocks, scores.tolist())
    expected = of_rows(layout.without_joint, table, scores).counts
    assert slots == np.flatnonzero(expected).tolist()
    assert times == expected[slots].tolist()


@pytest.mark.parametrize(
    "failure", [ModelFailed("no room"), ModelRefused("no session"), FileNotFoundError(), ImportError(), MemoryError()]
)
def test_what_the_runtime_cannot_count_is_counted_all_the_same(failure: Exception) -> None:
    """Slice by slice too: the request is answered already, and must not fail for its counts."""

    def failing(_tensor: Tensor, _steps: Sequence[Sequence[float]], _groups: Sequence[bytes]) -> Never:
        raise failure

    bins = NumericBins("x", (0.0, 0.5, 1.0), Datatype.FP32), NumericBins("y", (-1.0, 1.0), Datatype.FP32)
    sliced = SlicedBy("x", ("some", "other"), tuple(slot % 2 for slot in range(bins[0].width)))
    layout = Layout(LATENCY, SCORE, bins, (sliced,))
    values = [0.25, -3.0, 0.75, 0.0, math.nan, 2.0, math.inf, math.nan]
    block = Block(("x", "y"), values, Tensor.of(Datatype.FP32, (4, 2), values))
    said, scores = {"digest": layout.digest, **layout.document}, [0.1, 0.2, 0.6, 1.0]
    assert LeanLayout(said, failing).counts([block], scores) == lean(layout).counts([block], scores)


def test_a_column_that_is_not_there_is_not_counted() -> None:
    """The others keep their places."""
    layout = a_layout()
    slots, times = lean(layout).counts([Block(("colour",), ["red", None])], [0.1, 0.9])
    expected = of_rows(layout, Table({"colour": an_object_column(["red", None])}), np.array([0.1, 0.9])).counts
    assert (slots, times) == (np.flatnonzero(expected).tolist(), [1] * 4)


def test_it_stands_for_the_layout() -> None:
    """By its digest."""
    assert lean(a_layout()).digest == a_layout().digest


def test_it_loads_no_numpy() -> None:
    """The inference function must start fast."""
    code = "import sys; import serinus.domain.lean_layout; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
