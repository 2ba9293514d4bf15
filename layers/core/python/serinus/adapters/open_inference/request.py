"""Decodes an inference request and checks it against the signature; hostile bytes get a 400, never a crash."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from serinus.adapters.open_inference.tensor import decode_tensor
from serinus.domain.signature import Signature
from serinus.errors import RequestRefused
from serinus.use_cases.infer import InferenceRequest, Values

_LONGEST_ID = 256


def decode(body: bytes, signature: Signature) -> InferenceRequest:
    """Return the request that a body holds.

    Raises:
        RequestRefused: it is no JSON, does not follow the protocol, or does not fit the signature; the message says
            what, where, and what to do, and repeats none of the data.
    """
    document = _document(body)
    given = _inputs(document, signature)
    tensors, features, rows = {}, dict[str, Values](), -1
    for wanted in signature.inputs:
        decoded = decode_tensor(given[wanted.name], wanted)
        if rows not in {-1, decoded.rows}:
            raise RequestRefused(
                f"input {wanted.name!r} has {decoded.rows} rows, but those before it have {rows}: send the same "
                "rows in each"
            )
        rows = decoded.rows
        tensors[wanted.name] = decoded.tensor
        features.update(decoded.features)
    return InferenceRequest(tensors, features, rows, _outputs(document, signature), _id(document))


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
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
        raise RequestRefused('the body is no JSON object: send {"inputs": [...]}')
    return document


def _refuse_constant(constant: str) -> NoReturn:
    raise RequestRefused(f"the body holds {constant}, which is no JSON: send null for a missing number")


def _inputs(document: Mapping[str, Any], signature: Signature) -> Mapping[str, Mapping[str, Any]]:
    entries = document.get("inputs")
    wanted = [tensor.name for tensor in signature.inputs]
    if not isinstance(entries, list):
        raise RequestRefused(f"the body has no list of inputs: send {_listed(wanted)}")
    given: dict[str, Mapping[str, Any]] = {}
    for position, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise RequestRefused(f"inputs[{position}] is no object with a name: send {_listed(wanted)}")
        if name not in wanted:
            raise RequestRefused(
                f"inputs[{position}] is {name[:80]!r}, which the model does not take: send {_listed(wanted)}"
            )
        if name in given:
            raise RequestRefused(f"inputs[{position}] is {name!r} a second time: send each input once")
        given[name] = entry
    missing = [name for name in wanted if name not in given]
    if missing:
        raise RequestRefused(f"the input {missing[0]!r} is missing: send {_listed(wanted)}")
    return given


def _outputs(document: Mapping[str, Any], signature: Signature) -> tuple[str, ...]:
    known = [tensor.name for tensor in signature.outputs]
    entries = document.get("outputs")
    if entries is None:
        return tuple(known)
    if not isinstance(entries, list) or not entries:
        raise RequestRefused(f"outputs is no list of objects with a name: leave it out, or ask for {_listed(known)}")
    names: list[str] = []
    for position, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in known or name in names:
            raise RequestRefused(
                f"outputs[{position}] is not the name of another output: ask for {_listed(known)}, once each"
            )
        names.append(name)
    return tuple(names)


def _id(document: Mapping[str, Any]) -> str | None:
    given = document.get("id")
    if given is not None and not (isinstance(given, str) and len(given) <= _LONGEST_ID):
        raise RequestRefused(f"id is no text of at most {_LONGEST_ID} characters: shorten it, or leave it out")
    return given


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
