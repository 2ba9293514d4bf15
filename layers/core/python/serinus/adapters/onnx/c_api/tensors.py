"""How tensors travel into ONNX Runtime and back."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import (
    Array,
    addressof,
    byref,
    c_char,
    c_char_p,
    c_int,
    c_int64,
    c_size_t,
    c_void_p,
    create_string_buffer,
    memmove,
    sizeof,
    string_at,
)
from itertools import pairwise
from math import prod

from serinus.adapters.onnx.c_api.elements import BY_ONNX, ELEMENTS
from serinus.adapters.onnx.c_api.library import Library, failed
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor

_ALIGNED = 16  # bytes; what malloc promises, and vector instructions may rely on
_LARGEST = 2**63 - 1  # bytes of a tensor, as numpy has it
_MOST_DIMENSIONS = 64  # as numpy has it


def lend(library: Library, name: str, tensor: Tensor, values: Array[c_void_p], at: int) -> object:
    """Make the runtime's view of a tensor at a place in `values`, which are the caller's to release.

    A buffer is copied only where it is neither `bytes` nor both writable and aligned.

    Args:
        library: that is to see it.
        name: of the input, for messages.
        tensor: what to see.
        values: where the address of the view is written.
        at: which place of it.

    Returns:
        What must be kept until the view is released.

    Raises:
        ModelFailed: the data are not what datatype and shape say.
    """
    count = _count(name, tensor)
    shape = (c_int64 * len(tensor.shape))(*tensor.shape)
    onnx = ELEMENTS[tensor.datatype].onnx
    slot = byref(values, at * sizeof(c_void_p))
    if tensor.datatype is Datatype.BYTES:
        texts = _texts(name, tensor.data, count)
        library.check(library.create_tensor(library.allocator, shape, len(shape), onnx, slot))
        _fill(library, values[at], texts)
        return None
    pointer, size = _buffer(name, tensor, count)
    library.check(library.create_tensor_with_data(library.memory, pointer, size, shape, len(shape), onnx, slot))
    return pointer


def read(library: Library, name: str, value: int | None) -> Tensor:
    """Copy a tensor out of the runtime.

    Raises:
        ModelFailed: the output is no tensor, or of a datatype that the protocol lacks.
    """
    if not value:
        raise failed(f"it gave no {name!r}")
    onnx, shape = _shape_of(library, value)
    datatype = BY_ONNX.get(onnx)
    if datatype is None:
        raise failed(f"its output {name!r} holds elements of ONNX type {onnx}, which the protocol lacks")
    if datatype is Datatype.BYTES:
        return Tensor(datatype, shape, _read_texts(library, name, value, prod(shape)))
    address = c_void_p()
    library.check(library.get_tensor_mutable_data(value, byref(address)))
    size = prod(shape) * ELEMENTS[datatype].size
    return Tensor(datatype, shape, string_at(address, size) if size else b"")


def type_and_shape(library: Library, info: int | c_void_p) -> tuple[int, tuple[int, ...]]:
    """Return the number of the element's type, and the dimensions; -1 for one that may vary."""
    onnx, rank = c_int(), c_size_t()
    library.check(library.get_tensor_element_type(info, byref(onnx)))
    library.check(library.get_dimensions_count(info, byref(rank)))
    sizes = (c_int64 * rank.value)()
    library.check(library.get_dimensions(info, sizes, rank.value))
    return onnx.value, tuple(sizes)


def _shape_of(library: Library, value: int) -> tuple[int, tuple[int, ...]]:
    info = c_void_p()
    try:
        library.check(library.get_tensor_type_and_shape(value, byref(info)))
        return type_and_shape(library, info)
    finally:
        if info.value:
            library.release_tensor_type_and_shape_info(info)


def _count(name: str, tensor: Tensor) -> int:
    """Return how many elements the shape says."""
    shape = tensor.shape
    if len(shape) > _MOST_DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
        raise failed(f"input {name!r} has the shape {str(list(shape))[:200]}, which no tensor has")
    if prod(size or 1 for size in shape) * (ELEMENTS[tensor.datatype].size or 1) > _LARGEST:
        raise failed(f"input {name!r} has the shape {str(list(shape))[:200]}, which no memory holds")
    return prod(shape)


def _buffer(name: str, tensor: Tensor, count: int) -> tuple[object, int]:
    """Return what `ctypes` takes for the address of the data, and their size."""
    element = ELEMENTS[tensor.datatype]
    try:
        view = memoryview(tensor.data)  # type: ignore[arg-type]  # if these are texts, we say so
    except (TypeError, ValueError) as error:
        raise failed(f"input {name!r} holds no buffer of {tensor.datatype}") from error
    if not view.c_contiguous or view.format not in element.formats or view.nbytes != count * element.size:
        raise failed(
            f"input {name!r} holds {view.nbytes} bytes of {view.format!r}, but {tensor.datatype} of the shape "
            f"{list(tensor.shape)} takes {count * element.size}"
        )
    if tensor.datatype is Datatype.BOOL and view.tobytes().translate(None, b"\0\1"):
        raise failed(f"input {name!r} holds a byte that is neither true nor false")
    if isinstance(tensor.data, bytes):
        return tensor.data, view.nbytes
    if not view.readonly and view.nbytes:
        head = c_char.from_buffer(view)
        if addressof(head) % _ALIGNED == 0:
            return byref(head), view.nbytes
    return view.tobytes(), view.nbytes


def _texts(name: str, data: object, count: int) -> list[bytes]:
    if not isinstance(data, Sequence) or isinstance(data, str | bytes) or len(data) != count:
        raise failed(f"input {name!r} holds no sequence of {count} texts")
    try:
        return [text.encode() for text in data]
    except AttributeError as error:
        raise failed(f"input {name!r} holds something else than texts") from error
    except UnicodeEncodeError as error:
        raise failed(f"input {name!r} holds half a surrogate pair") from error


def _fill(library: Library, value: int | None, texts: Sequence[bytes]) -> None:
    """Copy texts into a tensor; the usual way ends each at its first NUL, so those with one are copied apart."""
    library.check(library.fill_string_tensor(value, (c_char_p * len(texts))(*texts), len(texts)))
    for at, text in enumerate(texts):
        if b"\0" in text:
            place = c_void_p()
            library.check(library.get_resized_string_tensor_element_buffer(value, at, len(text), byref(place)))
            memmove(place, text, len(text))


def _read_texts(library: Library, name: str, value: int, count: int) -> list[str]:
    size = c_size_t()
    library.check(library.get_string_tensor_data_length(value, byref(size)))
    joined = create_string_buffer(size.value + 1)
    starts = (c_size_t * (count + 1))(*[0] * count, size.value)
    if count:
        library.check(library.get_string_tensor_content(value, joined, size.value, starts, count))
    raw = joined.raw
    try:
        return [raw[start:end].decode() for start, end in pairwise(starts)]
    except UnicodeDecodeError as error:
        raise failed(f"its output {name!r} holds a text that is no UTF-8") from error
