"""Parity: what the served model says is what the framework said, or the rows where it is not are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Reals
from serinus.domain.model_gates import ParityLimits
from serinus.domain.parity import judge_parity
from serinus.domain.table import Column, Table
from tests.builders import an_object_column


def judged(scores: Reals, framework: Column, limit: float = 1e-5) -> Finding:
    """Hold scores against the framework's."""
    rows = HeldOutRows("holdout.parquet", Table({"said": framework}), np.zeros(len(scores)), scores)
    return judge_parity(ParityLimits(limit), rows, "said", 0.5)


def test_rounding_to_single_precision_passes() -> None:
    """Exporting does no less."""
    scores = np.random.default_rng(0).random(1_000)
    found = judged(scores.astype(np.float32).astype(np.float64), scores)
    assert found.passed
    assert 0 < found.numbers["difference"] < 1e-7


def test_rows_that_differ_are_counted_and_the_worst_numbered() -> None:
    """From 1, the furthest apart first; how many decisions differ is told."""
    framework = np.full(100, 0.4)
    scores = framework.copy()
    scores[[6, 41]] = [0.45, 0.7]
    found = judged(scores, framework)
    assert not found.passed
    assert "2 rows lie more than 1e-05 apart, most of all row 42, 7:" in found.message
    assert "1 decisions differ" in found.message
    assert found.numbers["rows_beyond"] == 2
    assert found.numbers["difference"] == pytest.approx(0.3)


def test_large_numbers_are_held_relative_to_their_size() -> None:
    """A price in single precision has seven digits, as a chance has."""
    prices = np.array([250_000.0, 1e6])
    assert judged(prices.astype(np.float32).astype(np.float64) * (1 + 5e-6), prices).passed
    assert not judged(prices * (1 + 2e-5), prices).passed


@given(
    scores=hnp.arrays(np.float64, 20, elements=st.floats(0, 1)),
    framework=hnp.arrays(np.float64, 20, elements=st.floats(0, 1)),
    limit=st.floats(0, 1),
)
def test_it_passes_just_where_no_row_is_further_apart(scores: Reals, framework: Reals, limit: float) -> None:
    """At the limit is not beyond it."""
    assert judged(scores, framework, limit).passed is bool(np.all(np.abs(scores - framework) <= limit))


@pytest.mark.parametrize(("framework", "said"), [
    (np.array([0.5, np.nan]), "hold no number in row 2"),
    (np.array([np.inf, 0.5]), "hold no number in row 1"),
    (an_object_column(["high", "low"]), "hold texts"),
])  # fmt: skip
def test_predictions_that_are_no_numbers_fail(framework: Column, said: str) -> None:
    """A comparison that was not made is no parity."""
    found = judged(np.array([0.5, 0.5]), framework)
    assert not found.passed
    assert said in found.message


def test_a_column_that_is_not_there_fails() -> None:
    """The manifest named it."""
    rows = HeldOutRows("holdout.parquet", Table({"x": np.zeros(2)}), np.zeros(2), np.zeros(2))
    found = judge_parity(ParityLimits(), rows, "said", 0.5)
    assert not found.passed
    assert "has no column 'said'" in found.message
