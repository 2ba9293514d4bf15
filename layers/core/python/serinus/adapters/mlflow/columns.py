"""The rules by which a value of a named column becomes what the model takes; `docs/reference/inference.md` has them.

Nothing is guessed: a value that no rule covers is refused by its row and column, and repeated nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from serinus.domain.signature import Datatype
from serinus.domain.tensor import FLOATS
from serinus.errors import RequestRefused

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_LONGEST_NUMBER = 400  # characters; int() takes quadratic time
_REFUSED = object()


def converted(values: list[Any], name: str, datatype: Datatype) -> list[Any]:
    """Return a column's values as JSON would have them for this datatype; `None` where missing.

    >>> converted([1, "2.5", None], "a", Datatype.FP32)
    [1, 2.5, None]

    Raises:
        RequestRefused: a value is of another kind, or missing where the datatype has no missing value.
    """
    if datatype in FLOATS:
        return _each(values, _float, _PLAIN_FLOATS, name, "a number")
    if datatype is Datatype.BYTES:
        return _each(values, _text, {str, type(None)}, name, "a text")
    if datatype is Datatype.BOOL:
        return _each(values, _truth, {bool}, name, "true or false")
    return _each(values, _whole, {int}, name, "a whole number")


_PLAIN_FLOATS = {int, float, type(None)}


def _each(values: list[Any], convert: Callable[[Any], object], plain: set[type], name: str, takes: str) -> list[Any]:
    """Convert every value; where all are plain already, which is the rule, none is looked at."""
    if set(map(type, values)) <= plain:
        return values
    found = list(map(convert, values))
    if _REFUSED in found:
        row = next(at for at, value in enumerate(found) if value is _REFUSED)
        raise RequestRefused(f"row {row}, column {name!r} holds {_kind(values[row])}: send {takes}")
    return found


def _float(value: object) -> object:
    if isinstance(value, str):
        text = value.strip()
        return None if not text else _number(text)
    return value if type(value) in _PLAIN_FLOATS else _REFUSED


def _number(text: str) -> object:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return _REFUSED
    return float(text)


def _whole(value: object) -> object:
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII):
            return int(text)
        value = _number(text)
    if isinstance(value, float):
        return int(value) if value.is_integer() else _REFUSED
    return value if type(value) is int else _REFUSED


def _truth(value: object) -> object:
    if isinstance(value, str):
        return _TRUTH.get(value.strip().lower(), _REFUSED)
    return value if type(value) is bool else _REFUSED


def _text(value: object) -> object:
    """Return a text as it is, and a number spelled out, a whole one without a fraction, as validation does."""
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))
    if type(value) in {int, float}:
        return repr(value)
    return value if value is None or isinstance(value, str) else _REFUSED


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing, and this column has no missing value"
        case bool():
            return "true or false"
        case str():
            return "a text that is not one" if value.strip() else "an empty text"
        case float():
            return "a number that is not one"
        case int():
            return "a number"
        case _:
            return "a list or an object"
