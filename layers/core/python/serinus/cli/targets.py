"""The target column: which it is, and its values as 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from serinus.domain.table import Column, Table
from serinus.domain.target_values import labels_of
from serinus.domain.task import Target, Task
from serinus.errors import DataRefused

_SHOWN = 8  # values or columns named in an error
_WORDS = {"true": 1.0, "false": 0.0}


def chosen_target(wanted: str | None, table: Table, used: Sequence[str] | None) -> str:
    """Return the target's name: what was asked for, else the only column that the model does not use.

    Args:
        wanted: what was asked for.
        table: the held-out data.
        used: the columns that the model calls by name, where it does.

    Raises:
        DataRefused: there is no such column, it is a feature, or nothing was asked for and the choice is not clear.
    """
    columns = list(table.columns)
    if wanted is not None:
        if wanted not in table.columns:
            raise DataRefused(f"the held-out data have no column {wanted!r}; their columns are {_named(columns)}")
        if used is not None and wanted in used:
            raise DataRefused(f"the model takes {wanted!r} as a feature, so it cannot be the target")
        return wanted
    left = [name for name in columns if used is not None and name not in used]
    if len(left) != 1:
        raise DataRefused(
            f"which column is the target cannot be told: name it with --target; the columns are {_named(columns)}"
        )
    return left[0]


def checked_labels(name: str, table: Table, positive: str | None, target: Target) -> Column:
    """Return the target as it is pushed: 0 and 1 of a binary task, else as it is, once it is what the task says.

    Raises:
        DataRefused: a value is missing, or is none of the task.
    """
    column = table.columns[name]
    if target.task is Task.BINARY:
        return zero_or_one(name, column, positive)
    if positive is not None:
        raise DataRefused(f"--positive goes with a binary task, but the policy's task is {target.task}: leave it out")
    labels_of(table, name, file="the held-out data", target=target)
    return column


def zero_or_one(name: str, column: Column, positive: str | None) -> npt.NDArray[np.float64]:
    """Return the target as 0 and 1.

    Raises:
        DataRefused: a value is missing, the values are not 0 and 1 and no positive one was named, or it never occurs.
    """
    missing = np.array([value is None or value != value for value in column.tolist()], dtype=bool)
    if missing.any():
        row = int(np.argmax(missing))
        raise DataRefused(f"the target {name!r} is missing in held-out row {row + 1}: fill it in, or drop the row")
    if positive is None:
        if column.dtype == object or not np.isin(column, (0, 1)).all():
            raise DataRefused(
                f"the target {name!r} holds {_values(column)}, not 0 and 1: say with --positive which counts as 1"
            )
        return np.asarray(column, dtype=np.float64)
    matches = np.array([is_named(value, positive) for value in column.tolist()], dtype=np.float64)
    if not matches.any():
        raise DataRefused(f"the target {name!r} is never {positive!r}: it holds {_values(column)}")
    return matches


def is_named(value: object, text: str) -> bool:
    """Whether a text on the command line means this value.

    >>> is_named(1.0, "1"), is_named("Yes", "Yes"), is_named(1.0, "true"), is_named("Yes", "yes")
    (True, True, True, False)
    """
    if not isinstance(value, (int, float, np.number, np.bool_)):
        return str(value) == text
    try:
        return float(value) == _WORDS.get(text.lower(), float("nan")) or float(value) == float(text)
    except ValueError:
        return False


def _values(column: Column) -> str:
    found = sorted({repr(value) for value in column.tolist()})
    return ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def _named(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(map(repr, columns[:_SHOWN])) + more
