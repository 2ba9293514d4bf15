"""A tensor without numpy, as a request brings it and an answer takes it away: packed numbers, or a list of texts.

The inference function must start fast, and importing numpy costs it more than everything else it does at start.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from serinus.domain.signature import Datatype

if TYPE_CHECKING:
    from typing_extensions import Buffer

Values = Sequence[float | int | bool | str | None]

# How `struct` and `memoryview` call each datatype; `memoryview` knows no half precision.
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
_ALL = slice(None)
FLOATS = frozenset({Datatype.FP16, Datatype.FP32, Datatype.FP64})
NUMBERS = frozenset(_CODES) - {Datatype.BOOL}


class Tensor(NamedTuple):
    """Values of one datatype, row by row; a tuple, because every request makes some and nothing is made faster.

    Attributes:
        datatype: of every value.
        shape: one size a dimension, each known; none for a single value.
        data: numbers and truth values packed in the machine's order, in a C-contiguous buffer (`bytes`,
            `memoryview`, a numpy array); texts as a list. What a session returns are `bytes`, or a list of texts.
    """

    datatype: Datatype
    shape: tuple[int, ...]
    data: Buffer | Sequence[str]

    @classmethod
    def of(cls, datatype: Datatype, shape: tuple[int, ...], values: Sequence[Any]) -> Tensor:
        """Pack values, which must be as many as the shape needs.

        >>> Tensor.of(Datatype.FP32, (1, 2), [1, 2.5]).values()
        [1.0, 2.5]

        Raises:
            OverflowError: a number is beyond what the datatype holds.
            TypeError: a value is of another kind.
        """
        code = _CODES.get(datatype)
        if code is None:
            return cls(datatype, shape, values)
        try:
            return cls(datatype, shape, struct.pack(f"={len(values)}{code}", *values))
        except struct.error as error:
            numbers = (int, float) if datatype in FLOATS else int
            kind = OverflowError if all(isinstance(value, numbers) for value in values) else TypeError
            raise kind(f"a value is no {datatype}: {error}") from error

    def values(self, part: slice = _ALL) -> list[Any]:
        """Return the values as Python's own, row by row, or a part of them, such as a column.

        >>> Tensor(Datatype.INT16, (2, 1), bytes([1, 0, 255, 255])).values()
        [1, -1]
        """
        view = self.view()
        if view is not None:
            values: list[Any] = (view if part is _ALL else view[part]).tolist()
            return values
        data: Any = self.data
        if self.datatype is Datatype.FP16:
            data = struct.unpack(f"={memoryview(data).nbytes // 2}e", data)
        return list(data)[part]

    def view(self) -> memoryview | None:
        """Return the values as they lie in memory, of one dimension; `None` for texts and half precision.

        >>> Tensor.of(Datatype.INT8, (2, 2), [1, 2, 3, 4]).view()[1::2].tolist()
        [2, 4]
        """
        code: Any = _CODES.get(self.datatype)
        if code is None or code == "e":
            return None
        view = memoryview(self.data)  # type: ignore[arg-type]  # it is no text, but a buffer
        return (view if view.format == "B" else view.cast("B")).cast(code)


class Block(NamedTuple):
    """The values of one input of the graph, or of some of its columns.

    Attributes:
        columns: their names.
        values: row by row, as they were written; `None`, or NaN where they came packed, is missing.
        tensor: the same as the model took them, NaN where missing; `None` for some of an input's columns.
    """

    columns: tuple[str, ...]
    values: Values | memoryview
    tensor: Tensor | None = None

    def column(self, at: int) -> Values | memoryview:
        """Return the values of one column, as they were written."""
        return self.values[at :: len(self.columns)]

    def counted(self, at: int) -> Values | memoryview:
        """Return the values of one column in the form that is counted soonest; they count the same."""
        packed = None if self.tensor is None else self.tensor.view()
        return self.column(at) if packed is None else packed[at :: len(self.columns)]

    def rows(self, picked: Sequence[int]) -> list[float | int | bool | str | None]:
        """Return the values of some rows, row by row."""
        width = len(self.columns)
        return [value for row in picked for value in self.values[row * width : (row + 1) * width]]

    def only(self, wanted: Sequence[int]) -> Block:
        """Return some of the columns, by their places."""
        columns = [self.column(at) for at in wanted]
        values = list(chain.from_iterable(zip(*columns, strict=True)))
        return Block(tuple(self.columns[at] for at in wanted), values)


def item_bytes(datatype: Datatype) -> int:
    """Return how many bytes one value takes; texts have no fixed size.

    >>> item_bytes(Datatype.FP16), item_bytes(Datatype.INT64)
    (2, 8)
    """
    return struct.calcsize(f"={_CODES[datatype]}")
