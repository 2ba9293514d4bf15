"""One row again and again: tensors that are made once, over memory of our own."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import Array, byref, c_char, c_int64, c_void_p, create_string_buffer, sizeof
from typing import NamedTuple

from serinus.adapters.onnx.c_api.elements import ELEMENTS
from serinus.adapters.onnx.c_api.library import Library
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor

Run = Callable[[], int | None]
Bind = Callable[[Array[c_void_p], Array[c_void_p]], Run]

_ALLOCATED_APART = 32  # bytes; smaller ctypes buffers lie inside their Python object, where nothing is aligned
_MARK = b"\xa5"  # repeated, a value that no model gives often


class Place(NamedTuple):
    """Where the data of an input or output lie.

    Attributes:
        memory: as many bytes as the shape needs.
        mark: what an output's memory holds before a run.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    memory: memoryview
    mark: bytes


class Row:
    """The inputs and outputs of a run, of fixed shapes and without texts. Serves one thread at a time.

    The runtime checks that an output has the shape it was made with, but it does not always write there: an output
    that is an input of the graph stays as it was. So each output is marked before a run, and the mark must be gone.
    """

    def __init__(
        self, library: Library, bind: Bind, given: Mapping[str, Tensor], found: Mapping[str, Tensor]
    ) -> None:
        """Make the tensors.

        Args:
            library: that is to see them.
            bind: makes the run of inputs and outputs, which must not hold the session, that holds us.
            given: examples of the inputs, in the order of the session.
            found: examples of the outputs, in the order of the session.
        """
        self._library = library
        self._given: Array[c_void_p] = (c_void_p * len(given))()
        self._found: Array[c_void_p] = (c_void_p * len(found))()
        weakref.finalize(self, _release, library, self._given, self._found).atexit = False
        self._inputs = [_place(library, name, like, self._given, at) for at, (name, like) in enumerate(given.items())]
        self._outputs = {
            name: _place(library, name, like, self._found, at) for at, (name, like) in enumerate(found.items())
        }
        self._run = bind(self._given, self._found)

    def run(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> dict[str, Tensor] | None:
        """Return the outputs named; `None` where the inputs or the outputs do not fit, or the run failed."""
        try:
            for name, datatype, shape, memory, _ in self._inputs:
                given, its_shape, data = inputs[name]
                if given is not datatype or its_shape != shape:
                    return None
                memory[:] = data  # type: ignore[assignment]  # bytes, and as many, or it raises
        except (TypeError, ValueError):
            return None
        places = [self._outputs[name] for name in outputs]
        for _, _, _, memory, mark in places:
            memory[:] = mark
        status = self._run()
        if status:
            self._library.release_status(status)
            return None
        found = {}
        for name, datatype, shape, memory, mark in places:
            data = memory.tobytes()
            if data == mark and mark:
                return None
            found[name] = Tensor(datatype, shape, data)
        return found


def release_all(library: Library, values: Array[c_void_p]) -> None:
    """Release every tensor that is there."""
    for value in values:
        if value:
            library.release_value(value)


def _release(library: Library, given: Array[c_void_p], found: Array[c_void_p]) -> None:
    release_all(library, given)
    release_all(library, found)


def _place(library: Library, name: str, like: Tensor, values: Array[c_void_p], at: int) -> Place:
    """Make a tensor like this one over new memory, and return that."""
    size = memoryview(like.data).nbytes  # type: ignore[arg-type]  # it is no text
    memory: Array[c_char] = create_string_buffer(max(size, _ALLOCATED_APART))
    shape = (c_int64 * len(like.shape))(*like.shape)
    slot = byref(values, at * sizeof(c_void_p))
    onnx = ELEMENTS[like.datatype].onnx
    library.check(library.create_tensor_with_data(library.memory, memory, size, shape, len(shape), onnx, slot))
    return Place(name, like.datatype, like.shape, memoryview(memory).cast("B")[:size], _MARK * size)
