"""A table's columns as the tensors that a graph takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.datatypes import NUMPY
from serinus.domain.signature import Datatype, InputTensor, Signature
from serinus.domain.table import Column, Table
from serinus.errors import DataRefused


def tensors_from(signature: Signature, features: Table) -> Mapping[str, npt.NDArray[np.generic]]:
    """Return each input of the graph, of shape [rows, len(columns)].

    A missing text becomes the empty text, as ONNX has no other; numbers where the graph takes texts are spelled out,
    whole ones without a fraction.

    Raises:
        DataRefused: a column is not there, or does not hold what the graph takes.
    """
    return {tensor.name: _tensor(tensor, features) for tensor in signature.inputs}


def _tensor(tensor: InputTensor, features: Table) -> npt.NDArray[np.generic]:
    dtype = NUMPY[tensor.datatype]
    block = np.empty((features.rows, len(tensor.columns)), dtype=dtype)
    for position, name in enumerate(tensor.columns):
        if name not in features.columns:
            raise DataRefused(
                f"the table has no column {name!r}, which the model takes: add it, or change the signature"
            )
        column = features.columns[name]
        if tensor.datatype is Datatype.BYTES:
            block[:, position] = _texts(column)
        else:
            block[:, position] = _numbers(name, tensor.datatype, column)
    return block


def _texts(column: Column) -> list[str]:
    if column.dtype == object:
        return ["" if value is None else str(value) for value in column]
    numbers = column.astype(np.float64).tolist()
    return ["" if value != value else repr(int(value) if value.is_integer() else value) for value in numbers]


def _numbers(name: str, datatype: Datatype, column: Column) -> npt.NDArray[np.generic]:
    if column.dtype == object:
        if any(value is not None for value in column):
            raise DataRefused(
                f"column {name!r} holds texts, but the model takes {datatype}: encode it as numbers, or train a "
                "model that takes texts"
            )
        column = np.full(len(column), np.nan)
    values = column.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond FP32 is infinite, which the graph can judge
        cast = values.astype(NUMPY[datatype])
    if not np.issubdtype(cast.dtype, np.floating) and not np.array_equal(cast.astype(np.float64), values):
        row = int(np.flatnonzero(cast.astype(np.float64) != values)[0])
        raise DataRefused(
            f"column {name!r}, row {row + 1} holds {values[row]}, which is no {datatype}: fill in or drop what is "
            "missing, or export the model with FP32 inputs"
        )
    return cast
