"""Slices: whom a model serves worst is named, and a guarded slice fails the gate only beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.held_out import HeldOutRows, Reals
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import Slicing
from serinus.domain.slices import MOST_CATEGORIES, OTHER, judge_slices, slices_of
from serinus.domain.table import Column, Table
from serinus.errors import DataRefused
from tests.builders import an_object_column

ROC_AUC = MetricGate(Metric.ROC_AUC, minimum=0.7)


def texts(values: Sequence[str | None]) -> Table:
    """Return a table of one column of texts."""
    return Table({"colour": an_object_column(values)})


def held_out(column: Column, *, badly: Sequence[str] = (), seed: int = 0) -> HeldOutRows:
    """Return rows that a good model scored, but those of some values by chance alone."""
    chance = np.random.default_rng(seed)
    rows = len(column)
    scores = chance.random(rows)
    labels = (chance.random(rows) < scores).astype(np.float64)
    blind = np.isin(column, list(badly))
    guessed: Reals = np.where(blind, chance.random(rows), scores)
    return HeldOutRows("holdout.parquet", Table({"colour": column}), labels, guessed)


def colours(red: int, blue: int, green: int = 0) -> Column:
    """Return so many of each colour."""
    return an_object_column(["red"] * red + ["blue"] * blue + ["green"] * green)


@given(
    values=st.lists(st.one_of(st.none(), st.sampled_from("abcdefghijklmnopqrstuvwxyz")), min_size=1),
)
def test_every_row_is_in_just_one_category(values: list[str | None]) -> None:
    """Missing ones and rare ones too, and there are never more slices than can be measured in time."""
    slices = slices_of(Slicing("colour"), texts(values), file="f")
    assert sorted(np.concatenate(list(slices.values())).tolist()) == list(range(len(values)))
    assert len(slices) <= MOST_CATEGORIES + 1


@given(
    values=st.lists(st.floats(allow_infinity=False), min_size=1),
    edges=st.lists(st.floats(-10, 10), min_size=1, max_size=5, unique=True),
)
def test_every_row_is_between_just_two_edges(values: list[float], edges: list[float]) -> None:
    """However the numbers lie to the edges."""
    slicing = Slicing("age", edges=tuple(sorted(edges)))
    slices = slices_of(slicing, Table({"age": np.array(values)}), file="f")
    assert sorted(np.concatenate(list(slices.values())).tolist()) == list(range(len(values)))


def test_edges_that_look_alike_stay_apart() -> None:
    """They are spelled out in full."""
    ages = Table({"age": np.array([1_000_000.0, 1_000_001.0, 1_000_002.0])})
    assert list(slices_of(Slicing("age", edges=(1_000_001.0, 1_000_002.0)), ages, file="f")) == [
        "below 1000001",
        "1000001 to 1000002",
        "1000002 and above",
    ]


def test_numbers_without_edges_are_categories() -> None:
    """Spelled as requests spell them."""
    found = slices_of(Slicing("age"), Table({"age": np.array([7.0, 2.5, 7.0, np.nan])}), file="f")
    assert {name: rows.tolist() for name, rows in found.items()} == {"7": [0, 2], "(missing)": [3], "2.5": [1]}


def test_rare_categories_share_a_slice() -> None:
    """The frequent ones keep theirs."""
    values = [f"frequent {number}" for number in range(MOST_CATEGORIES)] * 2 + ["rare", "rarer"]
    slices = slices_of(Slicing("colour"), texts(values), file="f")
    assert slices[OTHER].tolist() == [2 * MOST_CATEGORIES, 2 * MOST_CATEGORIES + 1]


@pytest.mark.parametrize(
    ("slicing", "said"),
    [
        (Slicing("shade"), "f has no column 'shade' that the policy slices by"),
        (Slicing("colour", edges=(1.0,)), "column 'colour' of f holds text, which edges cannot cut"),
    ],
)
def test_what_cannot_be_sliced_says_why(slicing: Slicing, said: str) -> None:
    """With what to do."""
    with pytest.raises(DataRefused, match=said):
        slices_of(slicing, texts(["red"]), file="f")


@pytest.mark.parametrize("guarded", [True, False])
def test_a_column_that_is_not_there_fails_where_it_is_guarded(guarded: bool) -> None:
    """A guard that cannot look lets nobody pass."""
    (found,) = judge_slices(Slicing("shade", guarded=guarded), [ROC_AUC], held_out(colours(50, 50)), 0.5, seed=1)
    assert found.gate == "slice:shade"
    assert found.passed is not guarded
    assert "add it to the held-out rows" in found.message


@pytest.mark.parametrize("guarded", [True, False])
def test_a_slice_below_the_minimum_beyond_chance_fails_where_it_is_guarded(guarded: bool) -> None:
    """The worst slice is named with its figures either way."""
    rows = held_out(colours(400, 400), badly=["red"])
    (found,) = judge_slices(Slicing("colour", guarded=guarded), [ROC_AUC], rows, 0.5, seed=1)
    assert found.gate == "slice:colour:roc_auc"
    assert found.passed is not guarded
    assert found.message.startswith("roc_auc by colour is worst for 'red': 0.")
    assert ("beyond the gate (minimum 0.7) and beyond chance for 'red'" in found.message) is guarded
    assert found.numbers["low"] < found.numbers["value"] < found.numbers["high"] < 0.7
    assert found.numbers["value:blue"] > 0.7 > found.numbers["value:red"] == found.numbers["value"]
    assert (found.numbers["rows"], found.numbers["slices"]) == (400.0, 2.0)


def test_a_slice_below_the_minimum_within_chance_passes() -> None:
    """Sixty rows that a model only guesses at may be bad luck."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.6)
    rows = held_out(colours(60, 400), badly=["red"])
    (found,) = judge_slices(Slicing("colour", guarded=True), [gate], rows, 0.5, seed=1)
    assert found.numbers["value"] < 0.6 < found.numbers["high"]
    assert found.passed


def test_a_loss_is_worst_where_it_is_greatest() -> None:
    """And fails above its maximum."""
    rows = held_out(colours(400, 400), badly=["red"])
    gate = MetricGate(Metric.LOG_LOSS, maximum=0.65)
    (found,) = judge_slices(Slicing("colour", guarded=True), [gate], rows, 0.5, seed=1)
    assert "log_loss by colour is worst for 'red'" in found.message
    assert "beyond the gate (maximum 0.65)" in found.message
    assert not found.passed


def test_a_calibration_error_is_told_and_fails_nothing() -> None:
    """Few rows make it look larger than it is."""
    rows = held_out(colours(400, 400), badly=["red"])
    gate = MetricGate(Metric.EXPECTED_CALIBRATION_ERROR, maximum=0.01)
    (found,) = judge_slices(Slicing("colour", guarded=True), [gate], rows, 0.5, seed=1)
    assert found.numbers["low"] > 0.01
    assert found.passed


def test_small_slices_are_counted_and_not_named() -> None:
    """Neither judged, nor told from whom they are."""
    rows = held_out(colours(400, 400, green=49), badly=["green"])
    (found,) = judge_slices(Slicing("colour", guarded=True), [ROC_AUC], rows, 0.5, seed=1)
    assert found.passed
    assert "; 1 more with too few rows (fewer than 50, or than 10 of a class)" in found.message
    assert found.numbers["too_few"] == 1.0
    assert "green" not in found.message
    assert "value:green" not in found.numbers


def test_slices_of_one_class_are_too_small() -> None:
    """Nothing can be ranked in them; where all are so, that is said."""
    rows = held_out(colours(100, 100))
    rows = HeldOutRows(rows.file, rows.table, (rows.table.columns["colour"] == "red").astype(np.float64), rows.scores)
    (found,) = judge_slices(Slicing("colour", guarded=True), [ROC_AUC], rows, 0.5, seed=1)
    assert (found.gate, found.passed) == ("slice:colour", True)
    assert "every slice by colour has too few rows" in found.message


def test_each_gate_has_its_finding() -> None:
    """All from the same draws."""
    gates = [ROC_AUC, MetricGate(Metric.RECALL, minimum=0.1)]
    found = judge_slices(Slicing("colour"), gates, held_out(colours(100, 100)), 0.5, seed=1)
    assert [finding.gate for finding in found] == ["slice:colour:roc_auc", "slice:colour:recall"]
