"""A tensor without numpy, as a request brings it and an answer takes it away: packed numbers, or a list of texts.

The inference function must start fast, and importing numpy costs it more than everything else it does at start.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from serinus.domain.signature import Datatype

Values = Sequence[float | int | bool | str | None]

# How `array`, `struct` and `memoryview` call each datatype; `array` and `memoryview` know no half precision.
_CODES = {
    Datatype.BOOL: "?",
    Datatype.UINT8: "B",
    Datatype.UINT16: "H",
    Datatype.UINT32: "I",
    Datatype.UINT64: "Q",
    Datatype.INT8: "b",
    Datatype.INT16: "h",
    Datatype.INT32: "i",
    Datatype.INT64: "q",
    Datatype.FP16: "e",
    Datatype.FP32: "f",
    Datatype.FP64: "d",
}
FLOATS = frozenset({Datatype.FP16, Datatype.FP32, Datatype.FP64})
NUMBERS = frozenset(_CODES) - {Datatype.BOOL}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Values of one datatype, row by row.

    Attributes:
        shape: every dimension is known.
        data: numbers and truth values packed in the machine's order, as many bytes as the shape needs; texts as a
            list.
    """

    datatype: Datatype
    shape: tuple[int, ...]
    data: memoryview | Sequence[str]

    @classmethod
    def packed(cls, datatype: Datatype, shape: tuple[int, ...], data: memoryview | bytes) -> Tensor:
        """Return the tensor of packed numbers or truth values.

        Raises:
            ValueError: there are more or fewer bytes than the shape needs.
        """
        if len(data) != math.prod(shape) * item_bytes(datatype):
            raise ValueError(f"{len(data)} bytes for {datatype} of shape {shape}")
        return cls(datatype, shape, memoryview(data))

    @classmethod
    def of(cls, datatype: Datatype, shape: tuple[int, ...], values: Sequence[Any]) -> Tensor:
        """Pack values, which must be as many as the shape needs.

        >>> Tensor.of(Datatype.FP32, (1, 2), [1, 2.5]).values()
        [1.0, 2.5]

        Raises:
            OverflowError: a number is beyond what the datatype holds; FP32 becomes infinite instead.
            TypeError: a value is of another kind.
        """
        if datatype is Datatype.BYTES:
            return cls(datatype, shape, values)
        code = _CODES[datatype]
        if code == "e":
            return cls(datatype, shape, memoryview(struct.pack(f"={len(values)}e", *map(float, values))))
        if code == "?":
            return cls(datatype, shape, memoryview(bytes(values)))
        return cls(datatype, shape, memoryview(array(code, values)).cast("B"))

    def values(self) -> list[Any]:
        """Return the values as Python's own, row by row."""
        if not isinstance(self.data, memoryview):
            return list(self.data)
        if self.datatype is Datatype.FP16:
            return list(struct.unpack(f"={len(self.data) // 2}e", self.data))
        code: Any = _CODES[self.datatype]
        values: list[Any] = self.data.cast(code).tolist()
        return values


def item_bytes(datatype: Datatype) -> int:
    """Return how many bytes one value takes; texts have no fixed size.

    >>> item_bytes(Datatype.FP16), item_bytes(Datatype.INT64)
    (2, 8)
    """
    return struct.calcsize(f"={_CODES[datatype]}")


def all_finite(values: Sequence[float | int]) -> bool:
    """Whether no number is NaN or infinite; the sum tells at once, but for finite numbers that overflow it.

    >>> all_finite([1.0, 2.0]), all_finite([1.0, float("nan")]), all_finite([1e308, 1e308])
    (True, False, True)
    """
    return math.isfinite(sum(values)) or all(map(math.isfinite, values))


def none_for_nan(values: list[Any]) -> list[Any]:
    """Return numbers with `None` for what JSON cannot say: NaN and the infinities.

    >>> none_for_nan([0.5, float("nan")])
    [0.5, None]
    """
    return values if all_finite(values) else [value if math.isfinite(value) else None for value in values]
