"""One Arrow column as the array that a `Table` holds, and back, without passing through pandas."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from serinus.domain.table import Column
from serinus.errors import DataRefused

if TYPE_CHECKING:
    Chunked = pa.ChunkedArray[Any]  # what a column holds is only known once it is looked at

_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - naive, for columns that name no zone


def from_arrow(file: str, table: pa.Table, name: str) -> Column:
    """Return a column's values.

    Raises:
        DataRefused: it holds lists, objects, bytes or durations, of which a feature cannot consist; or nonsense.
    """
    try:
        return _values(file, table, name)
    except (pa.ArrowException, UnicodeDecodeError, OverflowError) as error:
        raise DataRefused(f"{file}: column {name!r} is damaged ({error}): write the file again") from error


def _values(file: str, table: pa.Table, name: str) -> Column:
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return _numbers(column.cast(pa.uint8()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(column)
    if (fault := type_fault(kind)) is not None:
        raise DataRefused(f"{file}: column {name!r} {fault}")
    return _objects(texts_of(column))


def type_fault(kind: pa.DataType) -> str | None:
    """Say what is wrong with a column of a type that is no number; `None` where its values can be spelled out."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return None
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        return None
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "holds binary, or texts that are no UTF-8: save the file as UTF-8, or drop the column"
    return f"holds {kind}, which is neither numbers nor texts: spread it over columns of its own, or drop it"


def texts_of(column: Chunked | pa.Array[Any]) -> list[str | None]:
    """Return texts as they are, and dates and times in ISO 8601."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _instants(column)
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        coarse = column.cast(pa.time64("us"), safe=False) if pa.types.is_time(kind) else column.cast(pa.date32())
        return [None if value is None else value.isoformat() for value in coarse.to_pylist()]
    texts: list[str | None] = column.to_pylist()
    return texts


def to_arrow(values: Column) -> pa.Array[Any]:
    """Return values as an Arrow array: float64, or UTF-8 texts, with nulls for what is missing."""
    if values.dtype == object:
        return pa.array(values.tolist(), pa.string())
    return pa.array(values, pa.float64(), mask=np.isnan(values.astype(np.float64)))


def _numbers(column: Chunked) -> npt.NDArray[np.float64]:
    whole = np.full(len(column), np.nan)
    start = 0
    for part in column.cast(pa.float64(), safe=False).chunks:
        chunk = part.fill_null(float("nan"))
        values = chunk.buffers()[1]
        if len(chunk) and values is not None:
            whole[start : start + len(chunk)] = np.frombuffer(
                memoryview(values), np.float64, len(chunk), chunk.offset * 8
            )
        start += len(chunk)
    return whole


def _instants(column: Chunked | pa.Array[Any]) -> list[str | None]:
    """Spell out instants in ISO 8601; those with a time zone in UTC, so that no zone database is asked."""
    zone = None if column.type.tz is None else datetime.UTC
    epoch = _EPOCH.replace(tzinfo=zone)
    ticks = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64()).to_pylist()
    return [None if tick is None else _instant(epoch, tick) for tick in ticks]


def _instant(epoch: datetime.datetime, tick: int) -> str | None:
    try:
        return (epoch + datetime.timedelta(microseconds=tick)).isoformat()
    except OverflowError:  # no year that a calendar knows: nothing was recorded
        return None


def _objects(values: list[str | None]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
