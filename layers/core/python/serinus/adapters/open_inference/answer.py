"""Encodes what the model said as an inference response."""

from __future__ import annotations

from typing import Any

import orjson

from serinus.adapters.open_inference.binary import SIZE, pack
from serinus.adapters.open_inference.event import MAXIMUM_BODY_BYTES, Reply
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.domain.tensor import Tensor
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
    behind = {name: pack(prediction.outputs[name]) for name in prediction.outputs if name in packed} if packed else {}
    head = {
        "model_name": released.endpoint,
        "model_version": str(released.model_version),
        "id": id,
        "outputs": [_output(name, tensor, behind.get(name)) for name, tensor in prediction.outputs.items()],
    }
    if not behind:
        return fitting(head)
    text = orjson.dumps(head)
    body = b"".join((text, *behind.values()))
    _refuse_too_large(len(body) * 4 // 3)  # it travels in base64
    return Reply(200, body, {"inference-header-content-length": str(len(text))})


def fitting(document: object) -> Reply:
    """Return a document as an answer; NaN and the infinities, which JSON cannot say, become null.

    Raises:
        RequestRefused: with 413, where it would be larger than Lambda gives back.
    """
    body = orjson.dumps(document)
    size = len(body)
    escaped = body.count(b'"') + body.count(b"\\") if size * 2 > MAXIMUM_BODY_BYTES else 0  # on its way out
    _refuse_too_large(size + escaped)
    return Reply(200, body.decode())


def _output(name: str, tensor: Tensor, packed: bytes | memoryview | None) -> dict[str, Any]:
    datatype, shape = tensor.datatype, tensor.shape
    if packed is None:
        return {"name": name, "datatype": datatype, "shape": shape, "data": tensor.values()}
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {SIZE: len(packed)}}


def _refuse_too_large(size: int) -> None:
    if size > MAXIMUM_BODY_BYTES:
        raise RequestRefused(
            f"the answer would have {size:,} bytes, above the limit of {MAXIMUM_BODY_BYTES:,}: ask about fewer rows, "
            "or for fewer outputs",
            status=413,
        )
