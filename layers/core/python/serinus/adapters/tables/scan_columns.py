"""What is counted of one column as its batches pass by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from serinus.adapters.tables.columns import from_arrow
from serinus.adapters.tables.row_hashes import MISSING, DistinctCount, Hashes, of_numbers, of_texts
from serinus.domain.data_limits import ColumnKind, DeclaredColumn
from serinus.domain.data_scan import EXAMPLES, ColumnScan, Occurrences
from serinus.errors import DataRefused

if TYPE_CHECKING:
    Array = pa.Array[Any]
    Texts = pa.DictionaryArray[Any, Any]

_LONGEST_TEXT = 1_000_000

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NumberBatch:
    """Numbers of one batch, NaN where missing; `lowest` and `highest` of those that are there, NaN where none is."""

    values: Reals
    hashes: Hashes
    missing: npt.NDArray[np.bool_] | None
    lowest: float
    highest: float

    def array(self) -> Array:
        """Return them as conditions take them: what is missing is null."""
        return pa.array(self.values, mask=self.missing)


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Texts of one batch: each row's code, −1 where it is missing; `entries` are the hashes of the texts."""

    texts: Texts
    codes: npt.NDArray[np.int64]
    entries: Hashes
    hashes: Hashes

    def array(self) -> Array:
        """Return them as conditions take them: what is missing is null."""
        return self.texts.cast(pa.string())


ColumnBatch = NumberBatch | TextBatch


def column_batch(file: str, name: str, array: Array) -> ColumnBatch:
    """Read one column of a batch, by the rules that every reader of data files here follows.

    Raises:
        DataRefused: it holds what is neither numbers nor texts.
    """
    kind = array.type
    if pa.types.is_null(kind):
        return _numbers(array.cast(pa.float64()))
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return _texts(file, name, cast("Texts", array))
    if pa.types.is_float32(kind) or pa.types.is_float64(kind) or pa.types.is_integer(kind):
        return _numbers(array)
    if pa.types.is_string(kind):
        return _texts(file, name, array.dictionary_encode())
    values = from_arrow(file, pa.table({name: array}), name)  # booleans, decimals, instants and what is refused
    if values.dtype == object:
        return _texts(file, name, pa.array(values.tolist(), pa.string()).dictionary_encode())
    return _numbers(pa.array(values))


def _numbers(array: Array) -> NumberBatch:
    whole: npt.NDArray[np.int64] | None = None
    if pa.types.is_integer(array.type):
        whole = _filled(array, 0).astype(np.int64, copy=False)
    values: Reals = _filled(array.cast(pa.float64(), safe=False), np.nan)
    lowest, highest, missing = float(values.min()), float(values.max()), None
    if lowest != lowest:
        missing = np.isnan(values)
        there = values[~missing]
        lowest, highest = (float(there.min()), float(there.max())) if there.size else (np.nan, np.nan)
    hashes = of_numbers(values, whole, max(abs(lowest), abs(highest)))
    if missing is not None:
        hashes = np.where(missing, MISSING, hashes)
    return NumberBatch(values, hashes, missing, lowest, highest)


def _texts(file: str, name: str, array: Texts) -> TextBatch:
    entries: Any = array.dictionary
    longest = pc.max(pc.binary_length(entries))
    if (longest.as_py() or 0) > _LONGEST_TEXT:
        raise DataRefused(
            f"{file}: column {name!r} holds a text of more than {_LONGEST_TEXT:,} bytes, no category: drop it"
        )
    codes = _filled(array.indices, -1)
    hashed = of_texts(array.dictionary)
    hashes = np.append(hashed, MISSING)[codes]  # the code −1 is the last
    return TextBatch(array, codes, hashed, hashes)


def _filled(array: Array, value: float) -> npt.NDArray[Any]:
    """Return an array's values, with that one where there is none."""
    fill: Any = pc.fill_null
    filled = fill(array, value) if array.null_count else array
    found: npt.NDArray[Any] = filled.to_numpy(zero_copy_only=False)
    return found


class ColumnCounter:
    """Counts a column's batches."""

    def __init__(self, declared: DeclaredColumn | None) -> None:
        self._declared = declared
        self._kind: ColumnKind | None = None
        self._missing = self._infinite = self._beyond = Occurrences()
        self._lowest, self._highest = np.inf, -np.inf
        self._distinct = DistinctCount()

    def add(self, batch: ColumnBatch, first_row: int) -> None:
        """Count a batch, whose first row has that number."""
        if isinstance(batch, NumberBatch):
            self._add_numbers(batch, first_row)
        else:
            self._add_texts(batch, first_row)

    def found(self) -> ColumnScan:
        """Return what was counted."""
        distinct = self._distinct.estimate
        constant = self._lowest == self._highest if self._kind is ColumnKind.NUMBER else distinct == 1
        return ColumnScan(self._kind, self._missing, self._infinite, constant, distinct, self._beyond)

    def _add_numbers(self, batch: NumberBatch, first_row: int) -> None:
        if batch.missing is not None:
            self._missing += occurrences(batch.missing, first_row)
        if np.isnan(batch.lowest):
            return
        self._kind = ColumnKind.NUMBER
        self._lowest, self._highest = min(self._lowest, batch.lowest), max(self._highest, batch.highest)
        if np.isinf(batch.lowest) or np.isinf(batch.highest):
            self._infinite += occurrences(np.isinf(batch.values), first_row)
        told = self._declared
        if told is None:
            return
        low = -np.inf if told.minimum is None else told.minimum
        high = np.inf if told.maximum is None else told.maximum
        if batch.lowest < low or batch.highest > high:
            self._beyond += occurrences((batch.values < low) | (batch.values > high), first_row)

    def _add_texts(self, batch: TextBatch, first_row: int) -> None:
        if batch.texts.indices.null_count:
            self._missing += occurrences(batch.codes == -1, first_row)
        if batch.texts.indices.null_count == len(batch.codes):
            return
        self._kind = ColumnKind.TEXT
        self._distinct.add(batch.entries)
        if self._declared is not None and self._declared.categories:
            known = pc.is_in(batch.texts.dictionary, value_set=pa.array(self._declared.categories, pa.string()))
            foreign = np.append(~known.to_numpy(zero_copy_only=False), False)
            if foreign.any():
                self._beyond += occurrences(foreign[batch.codes], first_row)


def occurrences(found: npt.NDArray[np.bool_], first_row: int) -> Occurrences:
    """Count where an array is true, and name the first rows."""
    rows = np.flatnonzero(found)
    return Occurrences(len(rows), tuple(int(row) + first_row for row in rows[:EXAMPLES]))
