"""The datatypes of the Open Inference Protocol as ONNX numbers them and as `struct` spells them; without numpy."""

from __future__ import annotations

import struct
from typing import NamedTuple

from serinus.domain.signature import Datatype


class Element(NamedTuple):
    """How an element of a tensor is held.

    Attributes:
        onnx: its number in `ONNXTensorElementDataType`, which is that of `TensorProto.DataType`.
        code: the character that `struct` knows it by; strings have none.
        formats: what a buffer of such elements may call itself; plain bytes are taken for any.
        size: in bytes; strings have none.
    """

    onnx: int
    code: str
    formats: str
    size: int


def _element(onnx: int, code: str, also: str = "") -> Element:
    return Element(onnx, code, code + also + "Bbc", struct.calcsize(code))


ELEMENTS: dict[Datatype, Element] = {
    Datatype.BOOL: _element(9, "?"),
    Datatype.UINT8: _element(2, "B"),
    Datatype.UINT16: _element(4, "H"),
    Datatype.UINT32: _element(12, "I"),
    Datatype.UINT64: _element(13, "Q", "L"),
    Datatype.INT8: _element(3, "b"),
    Datatype.INT16: _element(5, "h"),
    Datatype.INT32: _element(6, "i"),
    Datatype.INT64: _element(7, "q", "l"),
    Datatype.FP16: _element(10, "e"),
    Datatype.FP32: _element(1, "f"),
    Datatype.FP64: _element(11, "d"),
    Datatype.BYTES: Element(8, "", "", 0),
}

BY_ONNX: dict[int, Datatype] = {element.onnx: datatype for datatype, element in ELEMENTS.items()}
