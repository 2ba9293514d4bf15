"""A target column is read as the policy's task says, or refused with the row and what to do."""

from __future__ import annotations

import numpy as np
import pytest

from serinus.domain.table import Column, Table
from serinus.domain.target_values import labels_of
from serinus.domain.task import BINARY_TARGET, Target, Task
from serinus.errors import DataRefused
from tests.builders import an_object_column

CLASSES = Target(Task.MULTICLASS, ("1", "2", "cat"))
REGRESSION = Target(Task.REGRESSION)


@pytest.mark.parametrize(
    ("column", "target", "values"),
    [
        (np.array([0.0, 1.0]), BINARY_TARGET, [0, 1]),
        (an_object_column(["cat", "1"]), CLASSES, [2, 0]),
        (np.array([2.0, 1.0]), CLASSES, [1, 0]),
        (np.array([-2.5, 1e9]), REGRESSION, [-2.5, 1e9]),
    ],
)
def test_values_are_those_of_the_task(column: Column, target: Target, values: list[float]) -> None:
    """Classes are positions, and whole numbers are names as they are spelled."""
    assert labels_of(Table({"y": column}), "y", file="f.csv", target=target).tolist() == values


@pytest.mark.parametrize(
    ("column", "target", "said"),
    [
        (np.array([0.0, 2.0]), BINARY_TARGET, "must be 0 or 1 in every row"),
        (np.array([0.0, np.nan]), BINARY_TARGET, "must be 0 or 1 in every row"),
        (
            an_object_column(["cat", "dog"]),
            CLASSES,
            "row 2, is 'dog', which is none of the policy's classes 1, 2, cat",
        ),
        (an_object_column([None, "cat"]), CLASSES, "row 1, is None"),
        (np.array([1.5]), CLASSES, "row 1, is '1.5'"),
        (an_object_column(["12,5"]), REGRESSION, "holds text, but the policy's task is regression"),
        (np.array([1.0, np.inf]), REGRESSION, "row 2, is inf"),
        (np.array([np.nan]), REGRESSION, "row 1, is nan"),
        (np.array([1.0, -1e308]), REGRESSION, "row 2, is -1e+308"),
    ],
)
def test_anything_else_is_refused_with_its_row(column: Column, target: Target, said: str) -> None:
    """The message names the file, the column and the row."""
    with pytest.raises(DataRefused, match=r"the target 'y' of f\.csv") as refused:
        labels_of(Table({"y": column}), "y", file="f.csv", target=target)
    assert said in str(refused.value)


def test_a_target_that_is_not_there_is_refused_with_what_is() -> None:
    """The columns are named."""
    with pytest.raises(DataRefused, match=r"no column 'z'; its columns are 'y'"):
        labels_of(Table({"y": np.array([1.0])}), "z", file="f.csv", target=REGRESSION)
