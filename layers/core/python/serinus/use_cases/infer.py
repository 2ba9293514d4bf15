"""Answers one inference request with a loaded model.

Imports no port at run time: the inference function must start fast, and this is all it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from serinus.domain.signature import Score, Signature
from serinus.errors import ModelFailed

if TYPE_CHECKING:
    from serinus.use_cases.ports import Model

Tensors = Mapping[str, npt.NDArray[np.generic]]
Values = Sequence[float | int | bool | str | None]


@dataclass(frozen=True)
class InferenceRequest:
    """A request that fits the signature.

    Attributes:
        tensors: each input of the graph, of shape [rows, len(columns)].
        features: the same values by column as the caller wrote them, `None` where missing.
        rows: how many rows are asked about; at least one.
        outputs: the names of the outputs the caller wants.
        id: the caller's name for the request, if any.
    """

    tensors: Tensors
    features: Mapping[str, Values]
    rows: int
    outputs: tuple[str, ...]
    id: str | None = None


@dataclass(frozen=True)
class Prediction:
    """What the model said: the wanted outputs, and the score of each row, of shape [rows]."""

    outputs: Tensors
    scores: npt.NDArray[np.float64]


def infer(model: Model, signature: Signature, request: InferenceRequest) -> Prediction:
    """Run the model on a request.

    Raises:
        ModelFailed: the graph raised an error, or returned no score for each row.
    """
    outputs = model.run(request.tensors)
    scores = scores_from(outputs, signature.score, rows=request.rows)
    return Prediction({name: outputs[name] for name in request.outputs}, scores)


def scores_from(outputs: Tensors, score: Score, *, rows: int) -> npt.NDArray[np.float64]:
    """Pick each row's score out of the outputs; the result has the shape [rows].

    >>> scores_from({"p": np.array([[0.8, 0.2], [0.1, 0.9]])}, Score("p", 1), rows=2).tolist()
    [0.2, 0.9]

    Raises:
        ModelFailed: the output has another number of rows or columns than the signature says.
    """
    found = outputs[score.output]
    if rows == 0:
        return np.empty(0, dtype=np.float64)
    if found.ndim == 0 or found.shape[0] != rows or found.size < rows or found.dtype == object:
        raise ModelFailed(f"the model returned {score.output!r} of shape {list(found.shape)} for {rows} rows")
    columns = found.reshape(rows, -1)
    if score.column >= columns.shape[1]:
        raise ModelFailed(
            f"the model returned {score.output!r} of shape {list(found.shape)}: no column {score.column}"
        )
    return np.asarray(columns[:, score.column], dtype=np.float64)
