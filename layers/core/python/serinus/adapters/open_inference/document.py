"""Reads hostile bytes as a JSON object.

One rule: orjson reads; what it refuses is read again by the standard library, whose word counts and which can say
what is wrong and where. So nothing is refused for orjson's sake (half surrogate pairs, numbers beyond any FP64, which
are told by their row and column later). Both read a whole number beyond 64 bits as the nearest FP64.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from serinus.errors import RequestRefused

_INT64, _UINT64 = -(2**63), 2**64 - 1
_LONGEST_INT, _LONGEST_NUMBER = 20, 4_300  # characters


def read_document(body: str | bytes, example: str) -> Mapping[str, Any]:
    """Return the JSON object that a body holds.

    Args:
        body: as it came.
        example: what to send instead where it is none.

    Raises:
        RequestRefused: it is no JSON object; the message says what, where, and what to do.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _read_again(body)
    if not isinstance(document, dict):
        raise RequestRefused(f"the body is no JSON object: send {example}")
    return document


def _read_again(body: str | bytes) -> object:
    try:
        packed = body.encode("utf-8", errors="surrogatepass") if isinstance(body, str) else body
        return _DECODER.decode(packed.decode("utf-8"))
    except RecursionError as error:
        raise RequestRefused("the body nests too deeply: send data flat, or as one list for each row") from error
    except UnicodeDecodeError as error:
        raise RequestRefused(f"the body is not UTF-8 (byte {error.start}): send JSON in UTF-8") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestRefused(f"the body is no JSON ({error.msg} at {where}): correct it") from error


def _refuse_constant(constant: str) -> NoReturn:
    raise RequestRefused(f"the body holds {constant}, which is no JSON: send null for a missing number")


def _whole(digits: str) -> int | float:
    """Return a whole number as orjson does."""
    if len(digits) > _LONGEST_NUMBER:
        raise RequestRefused("the body holds a number of thousands of digits: send numbers that fit the datatype")
    if len(digits) <= _LONGEST_INT and _INT64 <= (number := int(digits)) <= _UINT64:
        return number
    return float(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_whole)
