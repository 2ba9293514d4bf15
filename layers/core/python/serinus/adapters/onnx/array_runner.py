"""A model that speaks numpy, for an inference path that does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.datatypes import NUMPY, datatype_of
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor

if TYPE_CHECKING:
    from serinus.use_cases.ports.models import Model


class ArrayRunner:
    """`Runner` over a `Model`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def run_tensors(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Run the graph on tensors by name; return the outputs named.

        Raises:
            ModelFailed: the graph raised an error.
        """
        found = self._model.run({name: _array(tensor) for name, tensor in inputs.items()})
        return {name: _tensor(found[name]) for name in outputs}


def _array(tensor: Tensor) -> npt.NDArray[np.generic]:
    if tensor.datatype is not Datatype.BYTES:
        packed: Any = tensor.data
        return np.frombuffer(packed, dtype=NUMPY[tensor.datatype]).reshape(tensor.shape)
    values = tensor.values()
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts.reshape(tensor.shape)


def _tensor(found: npt.NDArray[np.generic]) -> Tensor:
    if found.dtype.kind in "OU":
        return Tensor(Datatype.BYTES, found.shape, found.ravel().tolist())
    return Tensor(datatype_of(found), found.shape, found.tobytes())
