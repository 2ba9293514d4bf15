"""Decodes an inference request and checks it against the signature; hostile bytes get a 400, never a crash.

A request is JSON, and may bring the values of its inputs packed behind it (the binary tensor data extension): the
header `Inference-Header-Content-Length` then says where the JSON ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from serinus.adapters.open_inference.binary import Packed
from serinus.adapters.open_inference.document import read_document
from serinus.adapters.open_inference.tensor import decode_tensor
from serinus.domain.signature import InputTensor, Signature
from serinus.domain.tensor import Tensor, Values
from serinus.errors import RequestRefused
from serinus.use_cases.infer import InferenceRequest

_LONGEST_ID = 256
_EXAMPLE = '{"inputs": [...]}'
_SCALARS = (str, int, float, bool)
_NO_PARAMETERS: Mapping[str, Any] = {}
_NONE_PACKED: frozenset[str] = frozenset()
_NOTHING_BEHIND = Packed(b"")
_NOT_SERVED = ("classification", "shared_memory_region")  # extensions whose neglect would give a wrong answer


def decode(
    body: str | bytes, signature: Signature, header_length: str | None = None
) -> tuple[InferenceRequest, frozenset[str]]:
    """Return the request that a body holds, and which of the outputs it wants packed behind the answer's JSON.

    Args:
        body: as it came.
        signature: the model's.
        header_length: the header `Inference-Header-Content-Length`, if there is one.

    Raises:
        RequestRefused: it is no JSON, does not follow the protocol, or does not fit the signature; the message says
            what, where, and what to do, and repeats none of the data.
    """
    head, packed = (body, _NOTHING_BEHIND) if header_length is None else _parts(body, header_length)
    document = read_document(head, _EXAMPLE)
    parameters = _parameters(document, "the request") if "parameters" in document else _NO_PARAMETERS
    tensors: dict[str, Tensor] = {}
    written: dict[str, Values] = {}
    inputs = signature.inputs_by_name
    # Packed values lie in the order of the request's inputs, not of the graph's.
    for name, entry in _inputs(document, inputs).items():
        data = packed.take(_parameters(entry, "input", name), name) if "parameters" in entry else None
        tensors[name], values = decode_tensor(entry, inputs[name], data)
        if values is not None:
            written[name] = values
    packed.refuse_rest()
    rows = _rows(tensors)
    outputs, wanted_packed = _outputs(document, signature, packed_by_default=parameters.get("binary_data_output"))
    return InferenceRequest(signature, tensors, rows, outputs, _id(document), written), wanted_packed


def _parts(body: str | bytes, header_length: str) -> tuple[bytes, Packed]:
    if isinstance(body, str):
        body = body.encode("utf-8", errors="surrogatepass")
    # As text: a number of thousands of digits would be an error of Python's own.
    if not header_length.isascii() or not header_length.isdigit() or len(header_length) > 10:
        raise RequestRefused(
            f"Inference-Header-Content-Length is {header_length[:40]!r}: send the length of the JSON in bytes"
        )
    length = int(header_length)
    if not 0 < length <= len(body):
        raise RequestRefused(
            f"Inference-Header-Content-Length is {length}, but the body has {len(body)} bytes: send the length of "
            "the JSON in bytes"
        )
    return body[:length], Packed(body, length)


def _rows(tensors: Mapping[str, Tensor]) -> int:
    rows = -1
    for name, tensor in tensors.items():
        found = tensor.shape[0]
        if rows not in (-1, found):
            raise RequestRefused(
                f"input {name!r} has {found} rows, but those before it have {rows}: send the same rows in each"
            )
        rows = found
    return rows


def _parameters(document: Mapping[str, Any], of: str, name: str = "") -> Mapping[str, Any]:
    parameters = document.get("parameters")
    if parameters is None:
        return _NO_PARAMETERS
    of = f"{of} {name!r}" if name else of
    if not isinstance(parameters, dict) or not all(isinstance(value, _SCALARS) for value in parameters.values()):
        raise RequestRefused(
            f"the parameters of {of} are no object of texts, numbers, true and false: leave them out"
        )
    for not_served in _NOT_SERVED:
        if not_served in parameters:
            raise RequestRefused(f"the parameter {not_served!r} of {of} is not served here: leave it out")
    return parameters


def _inputs(document: Mapping[str, Any], wanted: Mapping[str, InputTensor]) -> Mapping[str, Mapping[str, Any]]:
    entries = document.get("inputs")
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
    if len(given) < len(wanted):
        missing = next(name for name in wanted if name not in given)
        raise RequestRefused(f"the input {missing!r} is missing: send {_listed(wanted)}")
    return given


def _outputs(
    document: Mapping[str, Any], signature: Signature, *, packed_by_default: object
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the outputs that are wanted, and those of them that are wanted packed."""
    known = signature.output_names
    entries = document.get("outputs")
    if entries is None:
        return known, frozenset(known) if packed_by_default is True else _NONE_PACKED
    if not isinstance(entries, list) or not entries:
        raise RequestRefused(f"outputs is no list of objects with a name: leave it out, or ask for {_listed(known)}")
    names: list[str] = []
    packed: list[str] = []
    for position, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in known or name in names:
            raise RequestRefused(
                f"outputs[{position}] is not the name of another output: ask for {_listed(known)}, once each"
            )
        names.append(name)
        parameters = _parameters(entry, "output", name) if "parameters" in entry else _NO_PARAMETERS
        if parameters.get("binary_data", packed_by_default) is True:
            packed.append(name)
    return tuple(names), frozenset(packed) if packed else _NONE_PACKED


def _id(document: Mapping[str, Any]) -> str | None:
    given = document.get("id")
    if given is None:
        return None
    if not (isinstance(given, str) and len(given) <= _LONGEST_ID):
        raise RequestRefused(f"id is no text of at most {_LONGEST_ID} characters: shorten it, or leave it out")
    if not given.isprintable():
        raise RequestRefused("id holds a character that cannot be printed, or half of one: use letters and digits")
    return given


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
