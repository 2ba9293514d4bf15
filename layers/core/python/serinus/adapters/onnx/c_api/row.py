"""One row again and again: tensors that are made once, over memory of our own."""

from __future__ import annotations

import struct
import weakref
from collections.abc import Callable, Sequence
from ctypes import Array, byref, c_char, c_int64, c_void_p, create_string_buffer, sizeof
from math import prod

from serinus.adapters.onnx.c_api.elements import ELEMENTS
from serinus.adapters.onnx.c_api.library import Library, failed
from serinus.adapters.onnx.c_api.tensors import Tensor
from serinus.domain.signature import Datatype

Values = Sequence[float | int | bool | str]
"""Of one row of an input or output; texts for BYTES, else numbers."""

Run = Callable[[], int | None]
Bind = Callable[[Array[c_void_p], Array[c_void_p]], Run]

_ALLOCATED_APART = 32  # bytes; smaller ctypes buffers lie inside their Python object, where nothing is aligned
_MARK = b"\xa5"  # repeated, a value that no model gives often, and no boolean at all


def packed(name: str, datatype: Datatype, values: Values) -> bytes | Sequence[str]:
    """Return values as the data of a tensor.

    Raises:
        ModelFailed: they are no numbers of that datatype.
    """
    if datatype is Datatype.BYTES:
        return values  # type: ignore[return-value]  # if they are no texts, `lend` says so
    try:
        return struct.pack(f"={len(values)}{ELEMENTS[datatype].code}", *values)
    except (struct.error, OverflowError, TypeError) as error:
        raise failed(f"input {name!r} takes {datatype}: {error}") from error


class Row:
    """The inputs and outputs of a run, of fixed shapes and without texts. Serves one thread at a time.

    The runtime checks that an output has the shape it was made with, but it does not always write there: an output
    that is an input of the graph stays as it was. So each output is marked before a run, and the mark must be gone.
    """

    def __init__(self, library: Library, bind: Bind, given: Sequence[Tensor], found: Sequence[Tensor]) -> None:
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
        self._written = [_place(library, tensor, self._given, at) for at, tensor in enumerate(given)]
        self._read = [_place(library, tensor, self._found, at) for at, tensor in enumerate(found)]
        self._marked = [(memory, _MARK * len(memory)) for form, memory in self._read if form.size]
        self._run = bind(self._given, self._found)

    def run(self, inputs: Sequence[Values]) -> list[Values] | None:
        """Return the values of each output; `None` where the values or the outputs do not fit, or the run failed."""
        try:
            for (form, memory), values in zip(self._written, inputs, strict=True):
                form.pack_into(memory, 0, *values)
        except (struct.error, OverflowError, TypeError, ValueError):
            return None
        for memory, mark in self._marked:
            memory.raw = mark
        status = self._run()
        if status:
            self._library.release_status(status)
            return None
        for memory, mark in self._marked:
            if memory.raw == mark:
                return None
        return [form.unpack_from(memory) for form, memory in self._read]


def release_all(library: Library, values: Array[c_void_p]) -> None:
    """Release every tensor that is there."""
    for value in values:
        if value:
            library.release_value(value)


def _release(library: Library, given: Array[c_void_p], found: Array[c_void_p]) -> None:
    release_all(library, given)
    release_all(library, found)


def _place(library: Library, tensor: Tensor, values: Array[c_void_p], at: int) -> tuple[struct.Struct, Array[c_char]]:
    """Make a tensor like this one over new memory; return that memory, and the form in which it holds values."""
    element = ELEMENTS[tensor.datatype]
    form = struct.Struct(f"={prod(tensor.shape)}{element.code}")
    memory = create_string_buffer(max(form.size, _ALLOCATED_APART))
    shape = (c_int64 * len(tensor.shape))(*tensor.shape)
    slot = byref(values, at * sizeof(c_void_p))
    made = library.create_tensor_with_data(library.memory, memory, form.size, shape, len(shape), element.onnx, slot)
    library.check(made)
    return form, memory
