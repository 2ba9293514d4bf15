"""Tensors without numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.adapters.onnx.datatypes import NUMPY
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor, item_bytes

NUMBERS = [datatype for datatype in Datatype if datatype is not Datatype.BYTES]


@pytest.mark.parametrize("datatype", NUMBERS)
def test_numbers_are_packed_as_numpy_packs_them(datatype: Datatype) -> None:
    """At both ends of the range."""
    dtype = NUMPY[datatype]
    limits = np.array([0, 1], dtype=dtype)
    if dtype.kind in "iu":
        limits = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype=dtype)
    elif dtype.kind == "f":
        limits = np.array([np.finfo(dtype).min, np.finfo(dtype).max], dtype=dtype)
    tensor = Tensor.of(datatype, (2,), limits.tolist())
    assert tensor.data == limits.tobytes()
    assert tensor.values() == Tensor(datatype, (2,), limits.data).values() == limits.tolist()
    assert tensor.values(slice(1, None, 2)) == limits.tolist()[1:]
    assert item_bytes(datatype) == dtype.itemsize


@given(st.lists(st.floats(width=64), max_size=10))
def test_fractions_are_rounded_as_numpy_rounds_them(values: list[float]) -> None:
    """Whatever they are, bit by bit but for what a NaN carries; what FP32 cannot hold overflows."""
    with np.errstate(over="ignore"):
        expected = np.array(values, dtype=np.float64).astype(np.float32)
    if any(np.isinf(found) and math.isfinite(value) for found, value in zip(expected, values, strict=True)):
        with pytest.raises(OverflowError):
            Tensor.of(Datatype.FP32, (len(values),), values)
        return
    data: Any = Tensor.of(Datatype.FP32, (len(values),), values).data
    found = np.frombuffer(data, np.float32)
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (Datatype.INT8, 128),
        (Datatype.UINT64, -1),
        (Datatype.INT64, 2**63),
        (Datatype.FP16, 70_000),
        (Datatype.FP32, 1e39),
        (Datatype.FP32, 10**400),
        (Datatype.FP64, 10**400),
    ],
)
def test_what_a_datatype_cannot_hold_overflows(datatype: Datatype, value: int) -> None:
    """Rather than wraps."""
    with pytest.raises(OverflowError):
        Tensor.of(datatype, (1,), [value])


@pytest.mark.parametrize(("datatype", "value"), [(Datatype.FP32, "1"), (Datatype.INT64, None), (Datatype.INT8, 1.0)])
def test_what_is_of_another_kind_is_no_overflow(datatype: Datatype, value: object) -> None:
    """But another error."""
    with pytest.raises(TypeError):
        Tensor.of(datatype, (1,), [value])
