"""Decodes one tensor of a request.

The one rule of datatypes: a request names the datatype that the signature names. For an input of floating-point
numbers it may name any datatype of numbers, since JSON writes them all alike, and the values are converted. A missing
number is `null` in JSON and NaN where values come packed; infinities are refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from serinus.adapters.open_inference.binary import unpack_texts
from serinus.domain.signature import Datatype, InputTensor
from serinus.domain.tensor import FLOATS, NUMBERS, Tensor, Values, item_bytes
from serinus.errors import RequestRefused

_MOST_ROWS = 10_000_000  # more than 6 MB can hold; keeps absurd claims out of the arithmetic and the messages
_BEYOND_64_BITS = 2**63  # what is read of a whole number that has more of them is a fraction
_NAN = math.nan
_FINITE = "send finite numbers, or null for a missing one"
_INFINITIES = {
    datatype: tuple(struct.pack(f"<{code}", sign * math.inf) for sign in (1, -1))
    for datatype, code in ((Datatype.FP16, "e"), (Datatype.FP32, "f"), (Datatype.FP64, "d"))
}
_PLAIN = frozenset({int, float})
_IN_JSON = {
    bool: "true or false",
    int: "numbers",
    float: "fractions",
    str: "texts",
    type(None): "null",
    dict: "objects",
}


def decode_tensor(
    entry: Mapping[str, Any], wanted: InputTensor, packed: memoryview | None = None
) -> tuple[Tensor, Values | None]:
    """Return a tensor that fits the signature's, and its values as they were written, unless they came packed.

    Args:
        entry: the input, as the request's JSON has it.
        wanted: the signature's.
        packed: its values, where they came behind the JSON.

    Raises:
        RequestRefused: its datatype, shape or data do not fit.
    """
    named = _datatype(entry.get("datatype"), wanted)
    rows, columns = _shape(entry.get("shape"), wanted)
    if packed is not None:
        return _unpacked(packed, named, wanted, (rows, columns)), None
    flat = _flat(entry.get("data"), wanted.name, columns)
    if len(flat) != rows * columns:
        raise _miscounted(len(flat), wanted, rows, columns)
    return tensor_of(flat, wanted, rows), flat


def tensor_of(flat: list[Any], wanted: InputTensor, rows: int) -> Tensor:
    """Return the tensor of JSON values.

    Raises:
        RequestRefused: a value is not one that the datatype holds; the message names its row and column.
    """
    shape = (rows, len(wanted.columns))
    if wanted.datatype in FLOATS:
        return _floats(flat, wanted, shape)
    if wanted.datatype is Datatype.BYTES:
        return _texts(flat, wanted, shape)
    _refuse_kinds(flat, wanted, {bool} if wanted.datatype is Datatype.BOOL else {int})
    try:
        return Tensor.of(wanted.datatype, shape, flat)
    except OverflowError as error:
        raise RequestRefused(_out_of_range(flat, wanted, f"send numbers that {wanted.datatype} holds")) from error


def where(wanted: InputTensor, position: int) -> str:
    """Return how a value is named to its sender."""
    row, column = divmod(position, len(wanted.columns))
    return f"input {wanted.name!r}, row {row}, column {wanted.columns[column]!r}"


def _datatype(given: object, wanted: InputTensor) -> Datatype:
    if given == wanted.datatype:
        return wanted.datatype
    if wanted.datatype in FLOATS and isinstance(given, str) and given in NUMBERS:
        return Datatype(given)
    found = repr(given[:20]) if isinstance(given, str) else "not named"
    raise RequestRefused(f"the datatype of input {wanted.name!r} is {found}: send {wanted.datatype}")


def _shape(given: object, wanted: InputTensor) -> tuple[int, int]:
    columns = len(wanted.columns)
    if isinstance(given, list) and len(given) == 2:
        rows, found = given
        if type(rows) is int and type(found) is int and 1 <= rows <= _MOST_ROWS and found == columns:
            return rows, columns
    raise RequestRefused(
        f"the shape of input {wanted.name!r} does not fit: send [rows, {columns}] with at least one row; the "
        f"columns are {_listed(wanted.columns)}"
    )


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


def _miscounted(found: int, wanted: InputTensor, rows: int, columns: int) -> RequestRefused:
    return RequestRefused(
        f"input {wanted.name!r} has {found} values, but its shape [{rows}, {columns}] needs {rows * columns}: "
        "send as many as the shape says"
    )


def _unpacked(data: memoryview, named: Datatype, wanted: InputTensor, shape: tuple[int, int]) -> Tensor:
    if wanted.datatype is Datatype.BYTES:
        return Tensor(wanted.datatype, shape, unpack_texts(data, wanted.name, shape[0] * shape[1]))
    size = item_bytes(named)
    if len(data) % size:
        raise RequestRefused(f"input {wanted.name!r} has {len(data)} bytes, which no number of {named} fills")
    if len(data) != shape[0] * shape[1] * size:
        raise _miscounted(len(data) // size, wanted, *shape)
    if wanted.datatype is Datatype.BOOL and len(data) != data.tobytes().count(0) + data.tobytes().count(1):
        raise RequestRefused(f"input {wanted.name!r} holds bytes other than 0 and 1: send one of them for each BOOL")
    tensor = Tensor(named, shape, data.tobytes())  # a copy begins where a processor likes numbers to
    if wanted.datatype not in FLOATS:
        return tensor
    if named is not wanted.datatype:
        return _floats(tensor.values(), wanted, shape)
    _refuse_infinities(tensor, wanted)
    return tensor


def _floats(flat: list[Any], wanted: InputTensor, shape: tuple[int, int]) -> Tensor:
    values = flat
    if not set(map(type, flat)) <= _PLAIN:
        _refuse_kinds(flat, wanted, {int, float, type(None)})
        values = [_NAN if value is None else value for value in flat]
    try:
        tensor = Tensor.of(wanted.datatype, shape, values)
    except OverflowError as error:
        raise RequestRefused(_out_of_range(values, wanted, _FINITE)) from error
    _refuse_infinities(tensor, wanted)
    return tensor


def _refuse_infinities(tensor: Tensor, wanted: InputTensor) -> None:
    """Look for the bytes of an infinity, which is many times quicker than to look at every number.

    The last byte of each number holds the upper bits of its exponent; where none is an infinity's, nothing is.
    """
    packed: Any = tensor.data
    plus, minus = _INFINITIES[wanted.datatype]
    exponents = packed[len(plus) - 1 :: len(plus)]
    if plus[-1] not in exponents and minus[-1] not in exponents:
        return
    for infinity in (plus, minus):
        at = packed.find(infinity)
        while at % len(infinity) and at > 0:  # parts of two numbers side by side
            at = packed.find(infinity, at + 1)
        if at >= 0:
            raise RequestRefused(_beyond(at // len(infinity), wanted, _FINITE))


def _beyond(position: int, wanted: InputTensor, remedy: str) -> str:
    return f"{where(wanted, position)} holds a number beyond the range of {wanted.datatype}: {remedy}"


def _out_of_range(values: list[Any], wanted: InputTensor, remedy: str) -> str:
    """Say where the first number stands that the datatype does not hold."""
    position = next(at for at, value in enumerate(values) if not _holds(wanted.datatype, value))
    return _beyond(position, wanted, remedy)


def _holds(datatype: Datatype, value: float) -> bool:
    try:
        (found,) = Tensor.of(datatype, (1,), [value]).values()
    except OverflowError:
        return False
    return not math.isinf(found)


def _texts(flat: list[Any], wanted: InputTensor, shape: tuple[int, int]) -> Tensor:
    _refuse_kinds(flat, wanted, {str, type(None)})
    texts = ["" if value is None else value for value in flat]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise RequestRefused(
            f"input {wanted.name!r} holds half a surrogate pair: send whole Unicode characters"
        ) from error
    return Tensor(Datatype.BYTES, shape, texts)


def _refuse_kinds(flat: list[Any], wanted: InputTensor, allowed: set[type]) -> None:
    if set(map(type, flat)) <= allowed:
        return
    position = next(at for at, value in enumerate(flat) if type(value) not in allowed)
    found = _IN_JSON.get(type(flat[position]), "a list")
    if int in allowed and type(flat[position]) is float and abs(flat[position]) >= _BEYOND_64_BITS:
        raise RequestRefused(_beyond(position, wanted, f"send numbers that {wanted.datatype} holds"))
    takes = " or ".join(sorted(_IN_JSON[kind] for kind in allowed if kind is not float))
    raise RequestRefused(f"{where(wanted, position)} holds {found}: {wanted.datatype} takes {takes}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:40])
    return shown if len(names) <= 40 else f"{shown} and {len(names) - 40} more"
