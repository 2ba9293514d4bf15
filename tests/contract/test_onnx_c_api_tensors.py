"""Tensors on their way into ONNX Runtime: any buffer will do, and a hostile one fails before it gets there."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest

from serinus.adapters.onnx.c_api.session import CApiSession
from serinus.domain.signature import Datatype
from serinus.domain.tensor import Tensor
from serinus.errors import ModelFailed
from tests.contract import onnx_graphs as graphs

THREE_FLOATS = Tensor(Datatype.FP32, (1, 3), array("f", [1, 2, 3]))
THREE_FLOATS = Tensor(Datatype.FP32, (1, 3), array("f", [1, 2, 3]))


def session_of(datatype: Datatype) -> CApiSession:
    """Return a session that gives back what it takes, of any shape."""
    return CApiSession(*graphs.identity(datatype))


@pytest.mark.parametrize(
    "data",
    [
        array("f", [1, 2, 3]),
        array("f", [1, 2, 3]).tobytes(),
        bytearray(array("f", [1, 2, 3]).tobytes()),
        memoryview(array("f", [1, 2, 3]).tobytes()),
        memoryview(b"-" + array("f", [1, 2, 3]).tobytes())[1:],
        memoryview(bytearray(b"-" + array("f", [1, 2, 3]).tobytes()))[1:],
        np.array([1, 2, 3], dtype=np.float32),
    ],
    ids=["array", "bytes", "bytearray", "read-only", "read-only-unaligned", "unaligned", "numpy"],
)
def test_any_buffer_will_do(data: Any) -> None:  # noqa: ANN401 - any buffer
    """Writable or not, aligned or not; what comes back is bytes of its own."""
    found = session_of(Datatype.FP32).run_tensors({"x": Tensor(Datatype.FP32, (1, 3), data)})["y"]
    assert (found.datatype, found.shape, found.values()) == (Datatype.FP32, (1, 3), [1.0, 2.0, 3.0])
    assert isinstance(found.data, bytes)


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(Datatype.FP32, (1, 4), array("f", [1, 2, 3])),
        Tensor(Datatype.FP32, (1, 2), array("f", [1, 2, 3])),
        Tensor(Datatype.FP32, (-1, 3), array("f", [1, 2, 3])),
        Tensor(Datatype.FP32, (-1, -3), array("f", [1, 2, 3])),
        Tensor(Datatype.FP32, (2**63, 0), b""),
        Tensor(Datatype.FP32, (2**62, 2**62, 0), b""),
        Tensor(Datatype.FP32, (2**64, 3), array("f", [1, 2, 3])),
        Tensor(Datatype.FP32, (1,) * 65, array("f", [1])),
        Tensor(Datatype.FP32, (True, 3, 1), array("f", [1, 2, 3])),
        Tensor(Datatype.FP32, (1.0, 3, 1), array("f", [1, 2, 3])),  # type: ignore[arg-type]  # hostile
        Tensor(Datatype.FP32, (1, 3), array("d", [1, 2, 3])),
        Tensor(Datatype.FP32, (1, 3), array("i", [1, 2, 3])),
        Tensor(Datatype.FP32, (1, 3), ["1", "2", "3"]),
        Tensor(Datatype.FP32, (1, 3), np.zeros((1, 6), dtype=np.float32)[:, ::2]),  # type: ignore[arg-type]  # a buffer
        Tensor(Datatype.BYTES, (1, 3), ["a", "b", "c"]),
        Tensor(Datatype.FP64, (1, 3), bytes(24)),
    ],
)
def test_a_hostile_tensor_fails_before_the_runtime_sees_it(tensor: Tensor) -> None:
    """Sizes that overflow, claims that outgrow the buffer, other datatypes; the process lives on."""
    session = session_of(Datatype.FP32)
    with pytest.raises(ModelFailed, match="input 'x'"):
        session.run_tensors({"x": tensor})
    assert session.run_tensors({"x": THREE_FLOATS})["y"].values() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("data", ["abc", b"abc", [b"a", b"b", b"c"], ["a", "b"], [1, 2, 3], 7, ["a", "b", "\ud800"]])
def test_what_are_no_texts_fails(data: Any) -> None:  # noqa: ANN401 - hostile on purpose
    """Neither bytes nor numbers, nor another number of texts than the shape says."""
    with pytest.raises(ModelFailed, match="input 'x' holds"):
        session_of(Datatype.BYTES).run_tensors({"x": Tensor(Datatype.BYTES, (3,), data)})


def test_a_byte_that_is_no_boolean_fails() -> None:
    """C++ takes for granted that there is none."""
    session = session_of(Datatype.BOOL)
    assert session.run_tensors({"x": Tensor(Datatype.BOOL, (2,), b"\0\1")})["y"].values() == [False, True]
    with pytest.raises(ModelFailed, match="neither true nor false"):
        session.run_tensors({"x": Tensor(Datatype.BOOL, (2,), b"\0\2")})


def test_a_buffer_cannot_shrink_while_it_is_lent() -> None:
    """It can afterwards."""
    numbers = array("f", [1, 2, 3])
    session_of(Datatype.FP32).run_tensors({"x": Tensor(Datatype.FP32, (3,), numbers)})
    numbers.append(4)
    assert len(numbers) == 4
