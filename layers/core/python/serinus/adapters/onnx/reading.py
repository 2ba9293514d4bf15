"""Reads bytes as an ONNX model, and says what else they are where they are none."""

from __future__ import annotations

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

from serinus.errors import ModelRefused

_PICKLE_PROTOCOLS = range(2, 6)
_OTHERS = {
    b"PK\x03\x04": "a zip archive, as PyTorch and Keras write",
    b"\x89HDF\r\n": "an HDF5 file, as Keras writes",
    b"\x1f\x8b": "a gzip file",
    b"\x78\x9c": "zlib-compressed, as joblib writes its pickles",
    b"\x28\xb5\x2f\xfd": "zstd-compressed",
    b"TFL3": "a TensorFlow Lite model",
    b"ORTM": "a model in ONNX Runtime's own .ort format",
}


def parse(model: bytes) -> onnx.ModelProto:
    """Return the model.

    Raises:
        ModelRefused: it is no ONNX; the message says what it is instead, where that can be told.
    """
    if not model:
        raise ModelRefused("the model is empty (0 bytes): upload it again")
    if model[0] == 0x80 and len(model) > 1 and model[1] in _PICKLE_PROTOCOLS:
        raise ModelRefused(
            "the model is a pickle: Serinus takes ONNX only, because reading a pickle runs whatever it says; "
            "convert it, "
            "for instance with skl2onnx, and push that"
        )
    for magic, what in _OTHERS.items():
        if model.startswith(magic):
            raise ModelRefused(f"the model is {what}: Serinus takes ONNX only; convert it and push that")
    try:
        proto: onnx.ModelProto = onnx.ModelProto.FromString(model)
    except (DecodeError, MemoryError, RecursionError) as error:
        raise ModelRefused(_no_onnx(model)) from error
    if not proto.HasField("graph") or not proto.ir_version:
        raise ModelRefused(_no_onnx(model))
    return proto


def _no_onnx(model: bytes) -> str:
    """Say so; protobuf tells neither what it stumbled over nor whether it ran out of memory."""
    return (
        f"the model's {len(model):,} bytes are no ONNX model, are cut off, or take too much memory to read: upload "
        "the .onnx file again, or export it again"
    )
