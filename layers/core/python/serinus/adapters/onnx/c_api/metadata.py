"""What a session's graph takes and gives, as the session itself tells."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p, cast
from typing import NamedTuple

from serinus.adapters.onnx.c_api.elements import BY_ONNX
from serinus.adapters.onnx.c_api.functions import Call
from serinus.adapters.onnx.c_api.library import Library, failed
from serinus.adapters.onnx.c_api.tensors import type_and_shape
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor
from serinus.errors import ModelRefused

_TENSOR = 1
_KINDS = {2: "a sequence", 3: "a map", 4: "opaque", 5: "a sparse tensor", 6: "optional"}


class Described(NamedTuple):
    """An input or output of the graph.

    Attributes:
        name: in the graph.
        datatype: of its elements.
        shape: -1 for a dimension that may vary; empty for a single value, and where the graph declares no shape.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]

    def refuse_misfit(self, tensor: Tensor) -> None:
        """Tell a tensor that the graph does not take before the runtime sees it.

        Raises:
            ModelFailed: its datatype, its rank or one of its sizes is another.
        """
        if tensor.datatype is not self.datatype:
            raise failed(f"input {self.name!r} takes {self.datatype}, not {tensor.datatype}")
        if self.shape and not (
            len(self.shape) == len(tensor.shape)
            and all(wanted in {-1, size} for wanted, size in zip(self.shape, tensor.shape, strict=True))
        ):
            raise failed(f"input {self.name!r} takes the shape {list(self.shape)}, not {list(tensor.shape)}")


def inputs_of(library: Library, session: c_void_p, first: Sequence[str]) -> list[Described]:
    """Return every input that must be fed: those named first, in that order, then the rest in the graph's.

    Raises:
        ModelRefused: one is no tensor of a datatype of the protocol.
    """
    type_info, name = library.session_get_input_type_info, library.session_get_input_name
    names = _names(library, session, library.session_get_input_count, name)
    found = [_described(library, session, type_info, at, f"input {name!r}", name) for at, name in enumerate(names)]
    order = {name: at for at, name in enumerate(first)}
    return sorted(found, key=lambda told: order.get(told.name, len(order)))


def outputs_of(library: Library, session: c_void_p, asked: Sequence[str]) -> list[Described]:
    """Return the outputs that are asked for and that the graph has, in the order of the graph.

    Raises:
        ModelRefused: one is no tensor of a datatype of the protocol, but for instance a sequence of maps.
    """
    type_info, name = library.session_get_output_type_info, library.session_get_output_name
    names = _names(library, session, library.session_get_output_count, name)
    return [
        _described(library, session, type_info, at, f"output {name!r}", name)
        for at, name in enumerate(names)
        if name in asked
    ]


def _names(library: Library, session: c_void_p, count: Call, get_name: Call) -> list[str]:
    number = c_size_t()
    library.check(count(session, byref(number)), refused)
    return [_name(library, session, get_name, at) for at in range(number.value)]


def _name(library: Library, session: c_void_p, get_name: Call, at: int) -> str:
    text = c_void_p()
    try:
        library.check(get_name(session, at, library.allocator, byref(text)), refused)
        return (cast(text, c_char_p).value or b"").decode(errors="replace")
    finally:
        if text.value:
            library.allocator_free(library.allocator, text)


def _described(library: Library, session: c_void_p, get_info: Call, at: int, what: str, name: str) -> Described:
    info, tensor, kind = c_void_p(), c_void_p(), c_int()
    try:
        library.check(get_info(session, at, byref(info)), refused)
        library.check(library.get_onnx_type_from_type_info(info, byref(kind)), refused)
        if kind.value != _TENSOR:
            raise ModelRefused(
                f"the {what} is {_KINDS.get(kind.value, 'no tensor')}: export the model with tensors only (for "
                "skl2onnx with the option zipmap=False)"
            )
        library.check(library.cast_type_info_to_tensor_info(info, byref(tensor)), refused)
        onnx, shape = type_and_shape(library, tensor)
    finally:
        if info.value:
            library.release_type_info(info)
    if onnx not in BY_ONNX:
        raise ModelRefused(
            f"the {what} holds elements of ONNX type {onnx}, which the protocol lacks: export it again"
        )
    return Described(name, BY_ONNX[onnx], shape)


def refused(said: str) -> ModelRefused:
    """Return the error for what the runtime says while it loads a model."""
    return ModelRefused(f"ONNX Runtime cannot load the model ({said}): export it again")
