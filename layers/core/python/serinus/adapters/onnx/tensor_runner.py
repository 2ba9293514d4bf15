"""The session over the C API, for the inference path: neither knows numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.adapters.onnx.c_api.tensors import Tensor as Lent
from serinus.domain.signature import Datatype, Signature
from serinus.domain.tensor import Tensor


class TensorRunner:
    """`Runner` over `CApiSession`.

    The first run of a single row goes the general way and shows what the outputs of a row look like; those after it
    go the quicker one, which tells values only.
    """

    def __init__(self, session: CApiSession, signature: Signature) -> None:
        self._session = session
        self._inputs = [tensor.name for tensor in signature.inputs]
        self._outputs = [tensor.name for tensor in signature.outputs]
        self._like: Mapping[str, Tensor] | None = None
        taken, given = ({tensor.datatype for tensor in side} for side in (signature.inputs, signature.outputs))
        self._has_texts = Datatype.BYTES in taken | given

    def run(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Run the graph on tensors by name; return the outputs named.

        Raises:
            ModelFailed: the graph raised an error.
        """
        if self._has_texts or any(tensor.shape[0] != 1 for tensor in inputs.values()):
            return self._run(inputs, outputs)
        if self._like is None:
            self._like = self._run(inputs, self._outputs)
            return {name: self._like[name] for name in outputs}
        return self._run_row(inputs, outputs, self._like) or self._run(inputs, outputs)

    def _run(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        found = self._session.run_tensors(
            {name: Lent(tensor.datatype, tensor.shape, tensor.data) for name, tensor in inputs.items()}
        )
        return {name: _taken_back(found[name]) for name in outputs}

    def _run_row(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], like: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor] | None:
        """Run a single row; `None` where an output has another size than it had for the first."""
        values = self._session.run_row(*[inputs[name].values() for name in self._inputs])
        found: dict[str, Tensor] = {}
        for name, row in zip(self._outputs, values, strict=True):
            if name in outputs:
                shape = like[name].shape
                if len(row) != math.prod(shape):
                    return None
                found[name] = Tensor.of(like[name].datatype, shape, row)
        return found


def _taken_back(found: Lent) -> Tensor:
    data = found.data
    if found.datatype is Datatype.BYTES:
        return Tensor(found.datatype, found.shape, list(data))  # type: ignore[arg-type]  # BYTES come as texts
    return Tensor(found.datatype, found.shape, memoryview(data))  # type: ignore[arg-type]  # a buffer
