"""A model in ONNX Runtime, through its C API."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from ctypes import Array, c_char_p, c_size_t, c_void_p
from functools import partial
from typing import TYPE_CHECKING

from serinus.adapters.onnx.c_api.creation import Optimisation, Options, create
from serinus.adapters.onnx.c_api.elements import ELEMENTS
from serinus.adapters.onnx.c_api.library import failed, library
from serinus.adapters.onnx.c_api.metadata import inputs_of, outputs_of
from serinus.adapters.onnx.c_api.row import Row, Run, release_all
from serinus.adapters.onnx.c_api.tensors import lend, read
from serinus.domain.signature import Datatype, Signature
from serinus.domain.tensor import Tensor
from serinus.errors import ModelFailed, ModelRefused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from serinus.domain.table import Table


class CApiSession:
    """`Model` over the C API. Any number of threads may use one session at the same time.

    It is asked in two ways: `run_tensors` takes tensors over any buffers, `run` and `score` the arrays of the port.
    Only the latter import numpy, when they are first called.
    """

    def __init__(
        self,
        model: bytes,
        signature: Signature,
        *,
        threads: int = 1,
        optimisation: Optimisation = Optimisation.ALL,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Make the session.

        Args:
            model: the ONNX file.
            signature: which inputs it takes, and which outputs it is asked for.
            threads: that share one operator's work; operators run one after the other.
            optimisation: of the graph.
            config: entries as in `onnxruntime_session_options_config_keys.h`.

        Raises:
            ImportError: the library is not there, or cannot be driven: use the Python binding instead.
            ModelRefused: ONNX Runtime cannot load the model, or it takes or gives something else than tensors.
        """
        options = Options(threads, optimisation, config or {})
        self._library = library()
        self._signature = signature
        self._handle = create(self._library, model, options)
        # Not at exit: a thread may still be inside, and the memory goes with the process anyway.
        weakref.finalize(self, self._library.release_session, self._handle).atexit = False
        self._borrowed = model if options.borrow_model else None
        asked = [output.name for output in signature.outputs]
        outputs = outputs_of(self._library, self._handle, asked)
        first = [tensor.name for tensor in signature.inputs]
        self._inputs = {told.name: told for told in inputs_of(self._library, self._handle, first)}
        self._outputs = asked
        self._input_names = _c_texts(self._inputs)
        self._output_names = _c_texts(asked)
        self._rows: list[Row] = []
        # Texts have no fixed size, and a byte that is no BOOL must not reach the runtime.
        apart = {told.datatype for told in (*self._inputs.values(), *outputs)} & {Datatype.BYTES, Datatype.BOOL}
        self._no_rows = bool(apart)

    def run_tensors(self, inputs: Mapping[str, Tensor], outputs: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Run the graph on tensors by name; return the outputs named, or all of the signature.

        The tensors of a single row of numbers are made once for each thread that is inside at the same time, and used
        again. Whatever does not go that way (more rows, texts, an output of another size than before, an error) goes
        the slower way, whose word counts.

        Raises:
            ModelFailed: the tensors are not what the graph takes, or the graph raised an error.
        """
        asked = self._outputs if outputs is None else outputs
        found = self._run_row(inputs, asked)
        if found is None:
            every = self._run_apart(inputs)
            found = {name: every[name] for name in asked}
        return found

    def run(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:
        """Run the graph on tensors by name; return the signature's outputs by name.

        Raises:
            ModelFailed: the tensors are not what the graph takes, or the graph raised an error.
        """
        from serinus.adapters.onnx.c_api.arrays import arrays_of, tensors_of

        return arrays_of(self.run_tensors(tensors_of(inputs)))

    def score(self, features: Table) -> npt.NDArray[np.float64]:
        """Score rows; the result has the shape [rows].

        Raises:
            DataRefused: the table lacks a column, or one does not hold what the graph takes.
            ModelFailed: the graph raised an error, or returned no score for each row.
        """
        from serinus.adapters.onnx.tensors import tensors_from
        from serinus.use_cases.infer import scores_from

        outputs = self.run(tensors_from(self._signature, features))
        return scores_from(outputs, self._signature.score, rows=features.rows)

    def columns(self, features: Table) -> npt.NDArray[np.float64]:
        """Return all of the output that the score is taken from; the result has the shape [rows, columns].

        Raises:
            DataRefused: the table lacks a column, or one does not hold what the graph takes.
            ModelFailed: the graph raised an error.
        """
        from serinus.adapters.onnx.tensors import tensors_from
        from serinus.use_cases.infer import columns_from

        outputs = self.run(tensors_from(self._signature, features))
        return columns_from(outputs, self._signature.score, rows=features.rows)

    def _bind(self, given: Array[c_void_p], found: Array[c_void_p]) -> Run:
        names, asked = self._input_names, self._output_names
        sizes = c_size_t(len(given)), c_size_t(len(found))
        return partial(self._library.run, self._handle, None, names, given, sizes[0], asked, sizes[1], found)

    def _run_row(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> dict[str, Tensor] | None:
        """Run a row over tensors that are there already; `None` where that is not possible."""
        if self._no_rows or inputs.keys() != self._inputs.keys():
            return None
        try:
            row = self._rows.pop()
        except IndexError:
            if any(tensor.shape[:1] != (1,) for tensor in inputs.values()):
                return None
            made = self._made_row()
            if made is None:
                return None
            row = made
        try:
            return row.run(inputs, outputs)
        finally:
            self._rows.append(row)

    def _made_row(self) -> Row | None:
        """Make tensors by a first run of zeros; `None` where the model is not made so."""
        zeros = {
            tensor.name: Tensor(tensor.datatype, (1, columns), bytes(columns * ELEMENTS[tensor.datatype].size))
            for tensor in self._signature.inputs
            for columns in [len(tensor.columns)]
        }
        try:
            return Row(self._library, self._bind, zeros, self._run_apart(zeros))
        except ModelFailed:
            self._no_rows = True
            return None

    def _run_apart(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run tensors of any shape, made for this run alone."""
        if inputs.keys() != self._inputs.keys():
            raise failed(f"it takes the inputs {sorted(self._inputs)}, not {sorted(inputs)}")
        given: Array[c_void_p] = (c_void_p * len(self._inputs))()
        found: Array[c_void_p] = (c_void_p * len(self._outputs))()
        kept: list[object] = []
        try:
            for at, (name, told) in enumerate(self._inputs.items()):
                told.refuse_misfit(inputs[name])
                kept.append(lend(self._library, name, inputs[name], given, at))
            self._library.check(self._bind(given, found)())
            return {name: read(self._library, name, found[at]) for at, name in enumerate(self._outputs)}
        finally:
            release_all(self._library, given)
            release_all(self._library, found)


def _c_texts(names: Sequence[str] | Mapping[str, object]) -> Array[c_char_p]:
    for name in names:
        if "\0" in name:
            raise ModelRefused(f"the name {name!r} holds a NUL, where C ends it: rename it")
    return (c_char_p * len(names))(*(name.encode() for name in names))
