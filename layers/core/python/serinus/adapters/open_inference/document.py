"""Reads hostile bytes as a JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from serinus.errors import RequestRefused


def read_document(body: bytes, example: str) -> Mapping[str, Any]:
    """Return the JSON object that a body holds.

    Args:
        body: as it came.
        example: what to send instead where it is none.

    Raises:
        RequestRefused: it is no JSON object; the message says what, where, and what to do.
    """
    try:
        document = _DECODER.decode(body.decode("utf-8"))
    except RecursionError as error:
        raise RequestRefused("the body nests too deeply: send data flat, or as one list for each row") from error
    except UnicodeDecodeError as error:
        raise RequestRefused(f"the body is not UTF-8 (byte {error.start}): send JSON in UTF-8") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestRefused(f"the body is no JSON ({error.msg} at {where}): correct it") from error
    except ValueError as error:  # an integer of thousands of digits, which Python will not read
        raise RequestRefused(
            "the body holds a number of thousands of digits: send numbers that fit the datatype"
        ) from error
    if not isinstance(document, dict):
        raise RequestRefused(f"the body is no JSON object: send {example}")
    return document


def _refuse_constant(constant: str) -> NoReturn:
    raise RequestRefused(f"the body holds {constant}, which is no JSON: send null for a missing number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
