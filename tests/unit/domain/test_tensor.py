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
from serinus.domain.tensor import Tensor, all_finite, item_bytes, none_for_nan

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
    assert isinstance(tensor.data, memoryview)
    assert tensor.data.tobytes() == limits.tobytes()
    assert tensor.values() == limits.tolist()
    assert Tensor.packed(datatype, (2,), limits.tobytes()) == tensor
    assert item_bytes(datatype) == dtype.itemsize


@given(st.lists(st.floats(width=64), max_size=10))
def test_fractions_are_rounded_as_numpy_rounds_them(values: list[float]) -> None:
    """Whatever they are; beyond FP32 they become infinite."""
    with np.errstate(over="ignore"):
        expected = np.array(values, dtype=np.float64).astype(np.float32).tobytes()
    data = Tensor.of(Datatype.FP32, (len(values),), values).data
    assert isinstance(data, memoryview)
    assert np.array_equal(np.frombuffer(data, np.float32), np.frombuffer(expected, np.float32), equal_nan=True)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (Datatype.INT8, 128),
        (Datatype.UINT64, -1),
        (Datatype.INT64, 2**63),
        (Datatype.FP16, 70_000),
        (Datatype.FP64, 10**400),
    ],
)
def test_what_a_datatype_cannot_hold_overflows(datatype: Datatype, value: int) -> None:
    """Rather than wraps."""
    with pytest.raises(OverflowError):
        Tensor.of(datatype, (1,), [value])


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
def test_packed_data_fill_their_shape(shape: tuple[int, ...]) -> None:
    """Neither more nor less."""
    with pytest.raises(ValueError, match="8 bytes for FP32"):
        Tensor.packed(Datatype.FP32, shape, bytes(8))


@given(st.lists(st.floats() | st.integers(-(2**60), 2**60), max_size=6))
def test_finite_is_what_every_value_is(values: list[Any]) -> None:
    """Even where the sum is not; what is not becomes nothing."""
    assert all_finite(values) == all(math.isfinite(value) for value in values)
    assert all_finite([value for value in none_for_nan(values) if value is not None])
