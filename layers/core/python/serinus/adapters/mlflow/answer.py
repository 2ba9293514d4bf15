"""Encodes predictions as a scoring server does."""

from __future__ import annotations

from typing import Any

from serinus.adapters.open_inference.answer import fitting
from serinus.adapters.open_inference.event import Reply
from serinus.domain.tensor import Tensor
from serinus.errors import ModelFailed
from serinus.use_cases.infer import InferenceRequest, Prediction


def predictions(prediction: Prediction, asked: InferenceRequest) -> Reply:
    """Return `{"predictions": [...]}`, an entry a row: a value or a list of them, or, of several outputs, an object.

    Raises:
        ModelFailed: an output has another number of rows.
        RequestRefused: with 413, where it would be larger than Lambda gives back.
    """
    by_row = {name: _by_row(name, tensor, asked.rows) for name, tensor in prediction.outputs.items()}
    if len(by_row) == 1:
        (rows,) = by_row.values()
        return fitting({"predictions": rows})
    names = list(by_row)
    return fitting(
        {"predictions": [dict(zip(names, row, strict=True)) for row in zip(*by_row.values(), strict=True)]}
    )


def _by_row(name: str, tensor: Tensor, rows: int) -> list[Any]:
    if not tensor.shape or tensor.shape[0] != rows:
        raise ModelFailed(f"the model returned {name!r} of shape {list(tensor.shape)} for {rows} rows")
    values = tensor.values()
    columns = len(values) // rows
    if columns == 1:
        return values
    return [values[row * columns : (row + 1) * columns] for row in range(rows)]
