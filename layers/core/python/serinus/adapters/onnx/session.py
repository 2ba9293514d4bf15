"""A model in ONNX Runtime, through its ordinary Python binding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from serinus.adapters.onnx.tensors import tensors_from
from serinus.domain.signature import Signature
from serinus.domain.table import Table
from serinus.errors import ModelFailed, ModelRefused
from serinus.use_cases.infer import columns_from, scores_from

_FATAL_ONLY = 4  # the rest is raised as errors; printed, it would stand between the prediction records
# Everything the binding raises; its classes share no root but Exception. TypeError and ValueError are its own checks.
_RAISED = (
    runtime.EPFail,
    runtime.EngineError,
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


class PythonSession:
    """`Model` over `onnxruntime.InferenceSession`."""

    def __init__(self, model: bytes, signature: Signature, *, threads: int = 1) -> None:
        """Make the session.

        Args:
            model: the ONNX file.
            signature: which inputs it takes, and which outputs it is asked for.
            threads: that share one operator's work; operators run one after the other.

        Raises:
            ModelRefused: ONNX Runtime cannot load it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting is charged, and throttled
        options.log_severity_level = _FATAL_ONLY
        self._signature = signature
        self._outputs = [output.name for output in signature.outputs]
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except _RAISED as error:
            raise ModelRefused(f"ONNX Runtime cannot load the model ({_said(error)}): export it again") from error

    def run(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:
        """Run the graph on tensors by name; return the signature's outputs by name.

        Raises:
            ModelFailed: the graph raised an error.
        """
        try:
            found = self._session.run(self._outputs, dict(inputs))
        except _RAISED as error:
            raise ModelFailed(f"the model failed: {_said(error)}") from error
        return {name: np.asarray(value) for name, value in zip(self._outputs, found, strict=True)}

    def score(self, features: Table) -> npt.NDArray[np.float64]:
        """Score rows; the result has the shape [rows].

        Raises:
            DataRefused: the table lacks a column, or one does not hold what the graph takes.
            ModelFailed: the graph raised an error, or returned no score for each row.
        """
        outputs = self.run(tensors_from(self._signature, features))
        return scores_from(outputs, self._signature.score, rows=features.rows)

    def columns(self, features: Table) -> npt.NDArray[np.float64]:
        """Return all of the output that the score is taken from; the result has the shape [rows, columns].

        Raises:
            DataRefused: the table lacks a column, or one does not hold what the graph takes.
            ModelFailed: the graph raised an error.
        """
        outputs = self.run(tensors_from(self._signature, features))
        return columns_from(outputs, self._signature.score, rows=features.rows)


def _said(error: BaseException) -> str:
    """Return the error's own words on one line, without the binding's preamble."""
    return " ".join(str(error).replace("[ONNXRuntimeError] : ", "").split())[:400] or type(error).__name__
