"""Encodes what the model said as an inference response."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from serinus.adapters.open_inference.binary import SIZE, pack
from serinus.adapters.open_inference.event import MAXIMUM_BODY_BYTES, Reply
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.domain.tensor import FLOATS, Tensor, none_for_nan
from serinus.errors import RequestRefused
from serinus.use_cases.infer import Prediction

_NONE_PACKED: frozenset[str] = frozenset()


def encode(
    released: ReleasedModel,
    prediction: Prediction,
    id: str,  # noqa: A002 - the protocol's word
    packed: frozenset[str] = _NONE_PACKED,
) -> Reply:
    """Return the response.

    Args:
        released: the model that answered.
        prediction: what it said.
        id: the request's.
        packed: the outputs that are wanted as binary data behind the JSON.

    Raises:
        RequestRefused: with 413, where it would be larger than Lambda gives back.
    """
    behind = {name: pack(prediction.outputs[name]) for name in prediction.outputs if name in packed}
    head = {
        "model_name": released.endpoint,
        "model_version": str(released.model_version),
        "id": id,
        "outputs": [_output(name, tensor, behind.get(name)) for name, tensor in prediction.outputs.items()],
    }
    if not behind:
        return fitting(head)
    text = json.dumps(head).encode()
    body = b"".join((text, *behind.values()))
    _refuse_too_large(len(body) * 4 // 3)  # it travels in base64
    return Reply(200, body, {"inference-header-content-length": str(len(text))})


def fitting(document: object) -> Reply:
    """Return a document as an answer.

    Raises:
        RequestRefused: with 413, where it would be larger than Lambda gives back.
    """
    body = json.dumps(document)
    _refuse_too_large(len(body) + body.count('"'))  # each quote is escaped on its way out
    return Reply(200, body)


def encode_error(message: str) -> str:
    """Return the body of a refusal or a failure."""
    return json.dumps({"error": message})


def json_values(values: Sequence[Any]) -> list[Any]:
    """Return numbers as JSON can say them: NaN and the infinities become null.

    >>> json_values([0.5, float("nan")])
    [0.5, None]
    """
    return none_for_nan(list(values))


def readable(tensor: Tensor) -> list[Any]:
    """Return a tensor's values row by row, as JSON can say them."""
    values = tensor.values()
    return none_for_nan(values) if tensor.datatype in FLOATS else values


def _output(name: str, tensor: Tensor, packed: bytes | memoryview | None) -> dict[str, Any]:
    said = {"name": name, "datatype": tensor.datatype.value, "shape": tensor.shape}
    if packed is None:
        return said | {"data": readable(tensor)}
    return said | {"parameters": {SIZE: len(packed)}}


def _refuse_too_large(size: int) -> None:
    if size > MAXIMUM_BODY_BYTES:
        raise RequestRefused(
            f"the answer would have {size:,} bytes, above the limit of {MAXIMUM_BODY_BYTES:,}: ask about fewer rows, "
            "or for fewer outputs",
            status=413,
        )
