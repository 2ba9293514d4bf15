"""Leakage: what one feature alone tells of the label, and that chance tells nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.data_leakage import Leak, information, leaks, separation
from serinus.domain.data_limits import DataLimits
from serinus.domain.table import Column, Table
from tests.builders import an_object_column

_CHANCE = np.random.default_rng(5)
_ROWS = 600
_LABELS = (_CHANCE.random(_ROWS) < 0.3).astype(np.float64)
_NOISE = _CHANCE.normal(size=_ROWS)


def look(feature: Column, labels: Column = _LABELS) -> Leak:
    """Measure one feature beside noise; return what was found of it."""
    found = leaks(Table({"feature": feature, "noise": _NOISE, "class": labels}), "class", DataLimits())
    assert not isinstance(found, str)
    return next(leak for leak in found if leak.feature == "feature")


def texts(values: npt.NDArray[np.generic]) -> npt.NDArray[np.object_]:
    """Spell values."""
    return an_object_column([str(value) for value in values.tolist()])


@pytest.mark.parametrize(
    "feature",
    [
        _LABELS * 3 + 1,
        -_LABELS + _NOISE * 0.01,
        np.where(_LABELS == 1, np.nan, _NOISE),  # that it is missing tells
        texts(_LABELS),
        an_object_column([None if label else "there" for label in _LABELS.tolist()]),
    ],
    ids=["copy", "reversed", "missing", "text", "missing text"],
)
def test_a_feature_that_tells_the_label_leaks(feature: Column) -> None:
    """In whatever direction, as a number or a text, by its value or by its lack."""
    assert look(feature).leaks


@pytest.mark.parametrize(
    "feature",
    [_NOISE, _LABELS * 2 + _NOISE, np.full(_ROWS, np.nan), np.ones(_ROWS), texts(np.arange(_ROWS))],
    ids=["noise", "a good feature", "nothing", "constant", "id"],
)
def test_a_feature_that_may_be_used_does_not(feature: Column) -> None:
    """A good feature is none too good, and a text that names each row tells nothing of other rows."""
    assert not look(feature).leaks


@pytest.mark.parametrize("classes", [3, 200])
def test_more_classes_and_numbers_are_told_by_information(classes: int) -> None:
    """A target of many values is cut into groups."""
    labels = _CHANCE.integers(0, classes, _ROWS).astype(np.float64)
    assert look(labels * 2, labels).leaks
    assert look(texts(labels), labels).leaks or classes == 200  # 200 texts of 600 rows tell little beyond chance
    assert not look(_CHANCE.normal(size=_ROWS), labels).leaks


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(_ROWS), "rarest class"),
        (np.arange(_ROWS) < 5, "rarest class"),
        (texts(np.arange(_ROWS)), "no classes"),
    ],
)
def test_where_it_cannot_be_told_it_says_so(labels: npt.NDArray[np.generic], said: str) -> None:
    """Rather than guess from a handful of rows."""
    target: Column = np.asarray(labels, dtype=object if labels.dtype == object else np.float64)
    found = leaks(Table({"feature": _NOISE, "class": target}), "class", DataLimits())
    assert isinstance(found, str)
    assert said in found


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
def test_separation_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    """Ties count half; the better of both directions."""
    values, labels = np.array([row[0] for row in rows], dtype=np.float64), np.array([row[1] for row in rows])
    if labels.all() or not labels.any():
        return
    pairs = [(a > b) + (a == b) / 2 for a in values[labels] for b in values[~labels]]
    assert separation(values, labels) == pytest.approx(max(np.mean(pairs), 1 - np.mean(pairs)))


def test_information_of_noise_is_rarely_beyond_chance() -> None:
    """One in a hundred, about."""
    chance = np.random.default_rng(1)
    alarms = [information(chance.integers(0, 8, 500), chance.integers(0, 4, 500))[1] < 0.01 for _ in range(1_000)]
    assert sum(alarms) < 25
