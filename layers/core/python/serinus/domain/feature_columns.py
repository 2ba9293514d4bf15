"""A table's columns as the features of a signature, as requests would carry them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from serinus.domain.signature import Feature, Signature
from serinus.domain.table import Column, Table
from serinus.errors import DataRefused


def features_of(signature: Signature, table: Table, *, file: str, beside: tuple[str, ...] = ()) -> Table:
    """Return the columns that the signature names, in its order.

    Args:
        signature: the model's.
        table: its columns, and perhaps others.
        file: the table's name, for messages.
        beside: further columns that must be there.

    Raises:
        DataRefused: a column is not there, or does not hold what the signature says.
    """
    missing = [
        name for name in (*(feature.name for feature in signature.features), *beside) if name not in table.columns
    ]
    if missing:
        raise DataRefused(
            f"{file} has no column {', '.join(map(repr, missing))} that the signature or the "
            f"manifest names; its columns are {', '.join(map(repr, table.columns))}"
        )
    return Table({feature.name: _column(feature, file, table) for feature in signature.features})


def _column(feature: Feature, file: str, table: Table) -> Column:
    """Return a feature's values as requests will carry them: a number in a column of texts is spelled out."""
    column = table.columns[feature.name]
    if column.dtype == object and feature.datatype.is_number and any(value is not None for value in column):
        raise DataRefused(
            f"column {feature.name!r} of {file} holds text such as {_first_text(column)!r}, but the signature says "
            f"{feature.datatype}"
        )
    if column.dtype == object:
        return column if not feature.datatype.is_number else np.full(len(column), np.nan)
    numbers = np.asarray(column, dtype=np.float64)
    if np.any(np.isinf(numbers)):
        row = int(np.argmax(np.isinf(numbers)))
        raise DataRefused(
            f"column {feature.name!r} of {file}, row {row + 1}, holds {numbers[row]}, which no request can carry: "
            "leave the cell blank, or drop the row"
        )
    return numbers if feature.datatype.is_number else spelled_out(numbers)


def spelled_out(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Return numbers as the texts that requests would carry; a missing one is `None`.

    >>> spelled_out(np.array([7.0, 2.5, np.nan])).tolist()
    ['7', '2.5', None]
    """
    texts = np.empty(len(numbers), dtype=object)
    texts[:] = [
        None if number != number else repr(int(number) if number.is_integer() else number)
        for number in numbers.tolist()
    ]
    return texts


def _first_text(column: npt.NDArray[np.generic]) -> str:
    return next((str(value) for value in column.tolist() if isinstance(value, str)), "")
