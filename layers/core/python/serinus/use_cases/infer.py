"""Answers one inference request with a loaded model.

Imports neither a port nor numpy at run time: the inference function must start fast, and this is all it needs. What
each request makes anew are tuples, because nothing is made faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from serinus.domain.signature import EVERY_COLUMN, SUREST, Datatype, Score, Signature
from serinus.domain.tensor import FLOATS, Block, Tensor, Values
from serinus.errors import ModelFailed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Tensors = Mapping[str, Tensor]

_NOTHING: Mapping[str, Values] = {}


class Runner(Protocol):
    """A loaded model that takes and gives tensors without numpy."""

    def run_tensors(self, inputs: Tensors, outputs: Sequence[str]) -> Tensors:
        """Run the graph on tensors by name; return the outputs named.

        Raises:
            ModelFailed: the graph raised an error.
        """


class InferenceRequest(NamedTuple):
    """A request that fits the signature.

    Attributes:
        signature: the model's.
        tensors: each input of the graph, of shape [rows, len(columns)].
        rows: how many rows are asked about; at least one.
        outputs: the names of the outputs the caller wants.
        id: the caller's name for the request, if any.
        written: the values of an input as the caller wrote them, row by row, `None` where missing; what came packed
            is not in it.
        extras: columns that came along and that the model does not take, such as an id for labels to join on.
    """

    signature: Signature
    tensors: Tensors
    rows: int
    outputs: tuple[str, ...]
    id: str | None = None
    written: Mapping[str, Values] = _NOTHING
    extras: Mapping[str, Values] = _NOTHING

    def blocks(self) -> list[Block]:
        """Return the values of each input of the graph, as they were written, else as they came packed."""
        blocks: list[Block] = []
        for name, told in self.signature.inputs_by_name.items():
            tensor, values = self.tensors[name], self.written.get(name)
            if values is None:
                packed = tensor.view()
                values = tensor.values() if packed is None else packed
            blocks.append(Block(told.columns, values, tensor))
        return blocks


class Prediction(NamedTuple):
    """What the model said: the wanted outputs, and the score of each row."""

    outputs: Tensors
    scores: Sequence[float]


def infer(model: Runner, signature: Signature, request: InferenceRequest) -> Prediction:
    """Run the model on a request.

    Raises:
        ModelFailed: the graph raised an error, or returned no score for each row.
    """
    scored = signature.score.output
    wanted = request.outputs if scored in request.outputs else (*request.outputs, scored)
    outputs = model.run_tensors(request.tensors, wanted)
    scores = scores_of(outputs[scored], signature.score, rows=request.rows)
    if wanted is not request.outputs:
        outputs = {name: outputs[name] for name in request.outputs}
    return Prediction(outputs, scores)


def scores_of(found: Tensor, score: Score, *, rows: int) -> list[float]:
    """Pick each row's score out of an output.

    >>> two = Tensor.of(Datatype.FP32, (2, 2), [0.75, 0.25, 0.5, 0.5])
    >>> scores_of(two, Score("p", 1), rows=2), scores_of(two, Score("p", EVERY_COLUMN), rows=2)
    ([0.25, 0.5], [0.75, 0.5])

    Raises:
        ModelFailed: the output has another number of rows or columns than the signature says.
    """
    datatype, shape, _ = found
    columns = prod(shape[1:])
    if shape[:1] != (rows,) or not columns or datatype is Datatype.BYTES:
        raise ModelFailed(f"the model returned {score.output!r} of shape {list(shape)} for {rows} rows")
    if score.column >= columns:
        raise ModelFailed(f"the model returned {score.output!r} of shape {list(shape)}: no column {score.column}")
    if score.column == EVERY_COLUMN:
        return _class_scores(found.values(slice(None)), columns)
    picked = found.values(slice(score.column, None, columns))
    return picked if datatype in FLOATS else [float(value) for value in picked]


def _class_scores(chances: Sequence[float], classes: int) -> list[float]:
    """Return what `domain.multiclass.class_scores` does, without numpy: the best class's position plus its chance."""
    scores = []
    for start in range(0, len(chances), classes):
        row = chances[start : start + classes]
        best, total = max(row), sum(row)
        scores.append(row.index(best) + min(max(best, 0.0), SUREST) if total == total else total)
    return scores


def scores_from(
    outputs: Mapping[str, npt.NDArray[np.generic]], score: Score, *, rows: int
) -> npt.NDArray[np.float64]:
    """Pick each row's score out of the outputs as numpy has them; the result has the shape [rows].

    >>> import numpy as np
    >>> scores_from({"p": np.array([[0.8, 0.2], [0.1, 0.9]])}, Score("p", 1), rows=2).tolist()
    [0.2, 0.9]

    Raises:
        ModelFailed: the output has another number of rows or columns than the signature says.
    """
    import numpy as np

    columns = columns_from(outputs, score, rows=rows)
    if score.column == EVERY_COLUMN:
        from serinus.domain.multiclass import class_scores

        return class_scores(columns)
    if rows and score.column >= columns.shape[1]:
        shape = list(outputs[score.output].shape)
        raise ModelFailed(f"the model returned {score.output!r} of shape {shape}: no column {score.column}")
    return np.ascontiguousarray(columns[:, score.column]) if rows else np.empty(0, dtype=np.float64)


def columns_from(
    outputs: Mapping[str, npt.NDArray[np.generic]], score: Score, *, rows: int
) -> npt.NDArray[np.float64]:
    """Return all of the output that scores are taken from; the result has the shape [rows, columns].

    Raises:
        ModelFailed: the output has another number of rows than was asked about.
    """
    import numpy as np

    found = outputs[score.output]
    if rows == 0:
        return np.empty((0, 1), dtype=np.float64)
    if found.ndim == 0 or found.shape[0] != rows or found.size < rows or found.dtype == object:
        raise ModelFailed(f"the model returned {score.output!r} of shape {list(found.shape)} for {rows} rows")
    return np.asarray(found.reshape(rows, -1), dtype=np.float64)
