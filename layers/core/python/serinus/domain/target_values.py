"""A table's target column as the values that a task's metrics take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import spelled_out
from serinus.domain.table import Column, Table
from serinus.domain.task import GREATEST_NUMBER, Target, Task
from serinus.errors import DataRefused

Reals = npt.NDArray[np.float64]


def labels_of(table: Table, column: str, *, file: str, target: Target) -> Reals:
    """Return the target's values: 0 or 1, classes' positions, or numbers; [rows].

    Raises:
        DataRefused: there is no such column, or it holds something else than the task says.
    """
    if column not in table.columns:
        raise DataRefused(f"{file} has no column {column!r}; its columns are {', '.join(map(repr, table.columns))}")
    values, where = table.columns[column], f"the target {column!r} of {file}"
    match target.task:
        case Task.BINARY:
            if values.dtype == object or not np.all(np.isin(values, (0, 1))):
                raise DataRefused(
                    f"{where} must be 0 or 1 in every row; `serinus push --positive VALUE` writes it so"
                )
            return np.asarray(values, dtype=np.float64)
        case Task.MULTICLASS:
            return class_positions(values, target.classes, where=where)
        case Task.REGRESSION:
            return _numbers(values, where=where)
        case unreachable:
            assert_never(unreachable)


def class_positions(values: Column, classes: Sequence[str], *, where: str) -> Reals:
    """Return the position of each named class; whole numbers are names as they are spelled.

    >>> class_positions(np.array([2.0, 1.0]), ["1", "2", "3"], where="the target")
    array([1., 0.])

    Raises:
        DataRefused: a value is missing, or names no class.
    """
    names = values if values.dtype == object else spelled_out(np.asarray(values, dtype=np.float64))
    known = {name: float(position) for position, name in enumerate(classes)}
    found = [None if name is None else known.get(str(name)) for name in names.tolist()]
    if None in found:
        row = found.index(None)
        raise DataRefused(
            f"{where}, row {row + 1}, is {names[row]!r}, which is none of the policy's classes {', '.join(classes)}"
        )
    return np.array(found, dtype=np.float64)


def _numbers(values: Column, *, where: str) -> Reals:
    if values.dtype == object:
        raise DataRefused(
            f"{where} holds text, but the policy's task is regression: it must be a number in every row"
        )
    numbers = np.asarray(values, dtype=np.float64)
    fits = np.abs(numbers) <= GREATEST_NUMBER  # NaN does not
    if not np.all(fits):
        row = int(np.argmin(fits))
        raise DataRefused(
            f"{where}, row {row + 1}, is {numbers[row]}: it must be a finite number, that FP32 holds, in every row"
        )
    return numbers


def late_labels(values: Column, target: Target) -> Reals:
    """Return labels as they came: 0 or 1, classes' positions, or numbers; NaN where none came, or of no class.

    >>> late_labels(np.array(["b", None, "z"], dtype=object), Target(Task.MULTICLASS, ("a", "b", "c"))).tolist()
    [1.0, nan, nan]
    """
    if target.task is not Task.MULTICLASS:
        return np.asarray(values, dtype=np.float64)
    known = {name: float(position) for position, name in enumerate(target.classes)}
    found = [
        np.nan if value is None or value != value else known.get(str(value), np.nan) for value in values.tolist()
    ]
    return np.array(found, dtype=np.float64)
