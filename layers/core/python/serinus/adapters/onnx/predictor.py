"""A model that scores tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from serinus.adapters.onnx.session import PythonSession
from serinus.adapters.onnx.tensors import tensors_from
from serinus.domain.signature import Signature
from serinus.domain.table import Table


class TablePredictor:
    """`Predictor` over the ordinary binding, with the threads that a function of a few GB has processors for."""

    def __init__(self, model: bytes, signature: Signature, *, threads: int = 2) -> None:
        """Make the session.

        Raises:
            ModelRefused: ONNX Runtime cannot load the model.
        """
        self._signature = signature
        self._session = PythonSession(model, signature, threads=threads)

    def predict(self, features: Table) -> Mapping[str, npt.NDArray[np.generic]]:
        """Return the signature's outputs by name.

        Raises:
            DataRefused: a column does not hold what the graph takes.
            ModelFailed: the graph raised an error.
        """
        return self._session.run(tensors_from(self._signature, features))
