"""The datatypes of the Open Inference Protocol, as numpy and ONNX know them."""

from __future__ import annotations

from typing import Any

import numpy as np

from serinus.domain.signature import Datatype

NUMPY: dict[Datatype, np.dtype[Any]] = {
    Datatype.BOOL: np.dtype(np.bool_),
    Datatype.UINT8: np.dtype(np.uint8),
    Datatype.UINT16: np.dtype(np.uint16),
    Datatype.UINT32: np.dtype(np.uint32),
    Datatype.UINT64: np.dtype(np.uint64),
    Datatype.INT8: np.dtype(np.int8),
    Datatype.INT16: np.dtype(np.int16),
    Datatype.INT32: np.dtype(np.int32),
    Datatype.INT64: np.dtype(np.int64),
    Datatype.FP16: np.dtype(np.float16),
    Datatype.FP32: np.dtype(np.float32),
    Datatype.FP64: np.dtype(np.float64),
    Datatype.BYTES: np.dtype(np.object_),
}

# TensorProto.DataType, by number, so that the inference path need not import onnx.
ONNX: dict[int, Datatype] = {
    1: Datatype.FP32,
    2: Datatype.UINT8,
    3: Datatype.INT8,
    4: Datatype.UINT16,
    5: Datatype.INT16,
    6: Datatype.INT32,
    7: Datatype.INT64,
    8: Datatype.BYTES,
    9: Datatype.BOOL,
    10: Datatype.FP16,
    11: Datatype.FP64,
    12: Datatype.UINT32,
    13: Datatype.UINT64,
}

_BY_NUMPY = {dtype: datatype for datatype, dtype in NUMPY.items()}


def datatype_of(array: np.ndarray[Any, np.dtype[Any]]) -> Datatype:
    """Return the protocol's name for what an array holds.

    >>> datatype_of(np.zeros(1, dtype=np.float32)).value
    'FP32'
    """
    return _BY_NUMPY[array.dtype]
