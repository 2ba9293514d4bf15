"""One Arrow array of a batch as the domain counts it: numbers without a copy, texts by their dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from serinus.adapters.tables.columns import texts_of, type_fault
from serinus.domain.row_batch import BatchColumn, Codes, NumberColumn, TextColumn
from serinus.domain.steps import Numbers
from serinus.errors import DataRefused

if TYPE_CHECKING:
    _Array = pa.Array[Any]  # what it holds is only known once it is looked at


def column_of(file: str, name: str, array: _Array) -> BatchColumn:
    """Return the values of some rows.

    Raises:
        DataRefused: it holds lists, objects, bytes or durations, of which a feature cannot consist; or nonsense.
    """
    try:
        return _column(file, name, array)
    except (pa.ArrowException, UnicodeDecodeError, OverflowError) as error:
        raise DataRefused(f"{file}: column {name!r} is damaged ({error}): write the file again") from error


def _column(file: str, name: str, array: _Array) -> BatchColumn:
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return _numbers(array.cast(pa.uint8()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(array.cast(kind) if pa.types.is_dictionary(array.type) else array)
    if type_fault(kind) is not None:
        raise DataRefused(f"{file}: column {name!r} {type_fault(kind)}")
    return _texts(array)


def _numbers(array: _Array) -> NumberColumn:
    """Take the buffer as it is; pyarrow's own conversion imports pandas."""
    kind = pa.float32() if array.type == pa.float32() else pa.float64()
    exact = array.cast(kind, safe=False)
    if exact.null_count == 0:
        return NumberColumn(_viewed(exact), _nowhere(array))
    missing = _unpacked(exact)
    return NumberColumn(_viewed(exact.fill_null(float("nan"))), missing)


def _nowhere(array: _Array) -> npt.NDArray[np.bool_] | None:
    """Say that no row is missing, where NaN may be a value."""
    return np.zeros(len(array), dtype=bool) if pa.types.is_floating(array.type) else None


def _viewed(array: _Array) -> Numbers:
    kind = np.float32 if array.type == pa.float32() else np.float64
    found: Numbers = np.frombuffer(_bytes(array, 1), kind, len(array), array.offset * np.dtype(kind).itemsize)
    return found


def _unpacked(array: _Array) -> npt.NDArray[np.bool_]:
    """Return which rows are null."""
    valid = np.unpackbits(np.frombuffer(_bytes(array, 0), np.uint8), bitorder="little")
    return np.asarray(valid[array.offset : array.offset + len(array)] == 0)


def _bytes(array: _Array, number: int) -> memoryview:
    buffer = array.buffers()[number]
    return memoryview(b"" if buffer is None else buffer)


def _texts(array: _Array) -> TextColumn:
    """Keep the dictionary's own numbers where each entry is a text that comes at least once, as it mostly is."""
    encoded: Any = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    codes, size = _codes(encoded.indices), len(encoded.dictionary)
    times = np.bincount(codes if encoded.indices.null_count == 0 else codes[codes >= 0], minlength=size)
    used = np.flatnonzero(times)
    texts = texts_of(encoded.dictionary if used.size == size else encoded.dictionary.take(pa.array(used)))
    said = [text for text in texts if text is not None]
    if len(said) == size:
        return TextColumn(codes, said, times)
    present = [at for at, text in enumerate(texts) if text is not None]
    renumbered = np.full(size + 1, -1, dtype=codes.dtype)
    renumbered[used[present]] = np.arange(len(present))
    return TextColumn(renumbered.take(codes), said, times[used[present]])


def _codes(indices: Any) -> Codes:  # noqa: ANN401 - pyarrow's stubs have no type of a dictionary's indices
    """Return each row's number in the dictionary, -1 where there is none."""
    kept = indices if indices.type == pa.int32() else indices.cast(pa.int64())
    kind = np.dtype(np.int32 if indices.type == pa.int32() else np.int64)
    whole = kept if kept.null_count == 0 else kept.fill_null(-1)
    return np.frombuffer(_bytes(whole, 1), kind, len(whole), whole.offset * kind.itemsize)
