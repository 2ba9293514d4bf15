"""Decodes one tensor of a request.

The one rule of datatypes: a request names the datatype that the signature names. For an input of floating-point
numbers it may name any datatype of numbers, since JSON writes them all alike, and the values are converted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.datatypes import NUMPY
from serinus.domain.signature import Datatype, InputTensor
from serinus.errors import RequestRefused
from serinus.use_cases.infer import Values

_FLOATS = frozenset({Datatype.FP16, Datatype.FP32, Datatype.FP64})
_NUMBERS = frozenset(datatype for datatype in Datatype if datatype not in {Datatype.BYTES, Datatype.BOOL})
_MOST_ROWS = 10_000_000  # more than 6 MB can hold; keeps absurd claims out of the arithmetic and the messages
_IN_JSON = {
    bool: "true or false",
    int: "numbers",
    float: "fractions",
    str: "texts",
    type(None): "null",
    dict: "objects",
}


@dataclass(frozen=True)
class DecodedTensor:
    """A tensor of shape [rows, columns], and its values by column as they were written."""

    tensor: npt.NDArray[np.generic]
    features: Mapping[str, Values]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self.tensor.shape[0])


def decode_tensor(entry: Mapping[str, Any], wanted: InputTensor) -> DecodedTensor:
    """Return a tensor that fits the signature's.

    Raises:
        RequestRefused: its datatype, shape or data do not fit.
    """
    _refuse_datatype(entry.get("datatype"), wanted)
    rows, columns = _shape(entry.get("shape"), wanted)
    flat = _flat(entry.get("data"), wanted.name, columns)
    if len(flat) != rows * columns:
        raise RequestRefused(
            f"input {wanted.name!r} has {len(flat)} values, but its shape [{rows}, {columns}] needs "
            f"{rows * columns}: "
            "send as many as the shape says"
        )
    array = _array(flat, wanted).reshape(rows, columns)
    return DecodedTensor(array, {name: flat[at::columns] for at, name in enumerate(wanted.columns)})


def _refuse_datatype(given: object, wanted: InputTensor) -> None:
    if given == wanted.datatype or (wanted.datatype in _FLOATS and isinstance(given, str) and given in _NUMBERS):
        return
    found = repr(given[:20]) if isinstance(given, str) else "not named"
    raise RequestRefused(f"the datatype of input {wanted.name!r} is {found}: send {wanted.datatype}")


def _shape(given: object, wanted: InputTensor) -> tuple[int, int]:
    columns = len(wanted.columns)
    if (
        not isinstance(given, list)
        or len(given) != 2
        or any(type(size) is not int for size in given)
        or not 1 <= given[0] <= _MOST_ROWS
        or given[1] != columns
    ):
        raise RequestRefused(
            f"the shape of input {wanted.name!r} does not fit: send [rows, {columns}] with at least one row; the "
            "columns "
            f"are {_listed(wanted.columns)}"
        )
    return given[0], columns


def _flat(data: object, name: str, columns: int) -> list[Any]:
    """Return the values row by row, whether they came flat or as one list for each row."""
    if not isinstance(data, list):
        raise RequestRefused(f"input {name!r} has no list of data: send its values row by row")
    if not data or not isinstance(data[0], list):
        return data
    for row, values in enumerate(data):
        if not isinstance(values, list) or len(values) != columns:
            raise RequestRefused(
                f"data[{row}] of input {name!r} is not a list of {columns} values: send one for each column"
            )
    return list(chain.from_iterable(data))


def _array(flat: list[Any], wanted: InputTensor) -> npt.NDArray[np.generic]:
    if wanted.datatype is Datatype.BYTES:
        return _texts(flat, wanted)
    if wanted.datatype in _FLOATS:
        return _floats(flat, wanted)
    _refuse_kinds(flat, wanted, {bool} if wanted.datatype is Datatype.BOOL else {int})
    try:
        return np.array(flat, dtype=NUMPY[wanted.datatype])
    except OverflowError as error:
        raise RequestRefused(
            f"input {wanted.name!r} holds a number that is no {wanted.datatype}: send numbers in its range"
        ) from error


def _floats(flat: list[Any], wanted: InputTensor) -> npt.NDArray[np.generic]:
    _refuse_kinds(flat, wanted, {int, float, type(None)})
    try:
        with np.errstate(over="ignore"):
            values = np.array(flat, dtype=np.float64).astype(NUMPY[wanted.datatype])
    except OverflowError:
        values = np.array([np.inf])
    if np.isinf(values).any():
        raise RequestRefused(
            f"input {wanted.name!r} holds a number beyond the range of {wanted.datatype}: send finite numbers, or "
            "null for "
            "a missing one"
        )
    return values


def _texts(flat: list[Any], wanted: InputTensor) -> npt.NDArray[np.generic]:
    _refuse_kinds(flat, wanted, {str, type(None)})
    array = np.empty(len(flat), dtype=object)
    array[:] = texts = ["" if value is None else value for value in flat]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise RequestRefused(
            f"input {wanted.name!r} holds half a surrogate pair: send whole Unicode characters"
        ) from error
    return array


def _refuse_kinds(flat: list[Any], wanted: InputTensor, allowed: set[type]) -> None:
    kinds = set(map(type, flat))
    if kinds <= allowed:
        return
    position = next(at for at, value in enumerate(flat) if type(value) not in allowed)
    columns = len(wanted.columns)
    found = _IN_JSON.get(type(flat[position]), "a list")
    takes = " or ".join(sorted(_IN_JSON[kind] for kind in allowed if kind is not float))
    raise RequestRefused(
        f"input {wanted.name!r}, row {position // columns}, column {wanted.columns[position % columns]!r} holds "
        f"{found}: "
        f"{wanted.datatype} takes {takes}"
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:40])
    return shown if len(names) <= 40 else f"{shown} and {len(names) - 40} more"
