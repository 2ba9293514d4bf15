"""Encodes what the model said as an inference response."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.datatypes import datatype_of
from serinus.adapters.open_inference.event import MAXIMUM_BODY_BYTES
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.errors import RequestRefused
from serinus.use_cases.infer import Prediction


def encode(released: ReleasedModel, prediction: Prediction, id: str) -> str:  # noqa: A002 - the protocol's word
    """Return the response's body.

    Raises:
        RequestRefused: with 413, where it would be larger than Lambda gives back.
    """
    body = json.dumps(
        {
            "model_name": released.endpoint,
            "model_version": str(released.model_version),
            "id": id,
            "outputs": [
                {
                    "name": name,
                    "datatype": datatype_of(tensor),
                    "shape": list(tensor.shape),
                    "data": json_values(tensor),
                }
                for name, tensor in prediction.outputs.items()
            ],
        }
    )
    if len(body) + body.count('"') > MAXIMUM_BODY_BYTES:  # each quote is escaped on its way out
        raise RequestRefused(
            f"the answer would have {len(body):,} bytes, above the limit of {MAXIMUM_BODY_BYTES:,}: ask about fewer "
            "rows, "
            "or for fewer outputs",
            status=413,
        )
    return body


def encode_error(message: str) -> str:
    """Return the body of a refusal or a failure."""
    return json.dumps({"error": message})


def json_values(tensor: npt.NDArray[np.generic]) -> list[Any]:
    """Return values row by row; what JSON cannot say (NaN, infinities) becomes null.

    >>> json_values(np.array([[0.5, np.nan]]))
    [0.5, None]
    """
    flat: list[Any] = tensor.ravel().tolist()
    if np.issubdtype(tensor.dtype, np.floating) and not np.isfinite(tensor).all():
        return [value if np.isfinite(value) else None for value in flat]
    return flat
