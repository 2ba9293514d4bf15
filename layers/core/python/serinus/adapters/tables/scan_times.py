"""When the rows of a file came to be, by the column that the policy names for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from serinus.adapters.tables.scan_columns import ColumnBatch, NumberBatch, occurrences
from serinus.domain.data_scan import Occurrences, Times

if TYPE_CHECKING:
    Array = pa.Array[Any]

_PATIENCE = timedelta(minutes=5)  # clocks of different machines differ
_FIRST_YEAR = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_SECONDS = 1e11  # of the year 5138; a greater number is milliseconds


class TimeCounter:
    """Counts the batches of a time column."""

    def __init__(self, at: datetime) -> None:
        self._latest = (at + _PATIENCE).timestamp()
        self._newest = -np.inf
        self._unreadable = self._future = self._ancient = Occurrences()

    def add(self, batch: ColumnBatch, first_row: int) -> None:
        """Count a batch, whose first row has that number."""
        seconds, unreadable = _seconds(batch)
        self._unreadable += occurrences(unreadable, first_row)
        with np.errstate(invalid="ignore"):
            future, ancient = seconds > self._latest, seconds < _FIRST_YEAR.timestamp()
        self._future += occurrences(future, first_row)
        self._ancient += occurrences(ancient, first_row)
        past = seconds[~future & ~np.isnan(seconds)]
        if past.size:
            self._newest = max(self._newest, float(past.max()))

    def found(self) -> Times:
        """Return what was counted."""
        newest = None
        if self._newest > datetime(1, 1, 2, tzinfo=UTC).timestamp():
            newest = datetime.fromtimestamp(self._newest, UTC)
        return Times(newest, self._unreadable, self._future, self._ancient)


def _seconds(batch: ColumnBatch) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return each row's seconds since 1970, NaN where none are known, and which rows cannot be read."""
    if isinstance(batch, NumberBatch):
        values = batch.values
        return np.where(np.abs(values) > _MOST_SECONDS, values / 1_000, values), np.isinf(values)
    entries = np.append(_instants(batch.texts.dictionary), np.nan)  # the code −1, of what is missing, is the last
    seconds = entries[batch.codes]
    return seconds, np.isnan(seconds) & (batch.codes >= 0)


def _instants(texts: Array) -> npt.NDArray[np.float64]:
    """Return the seconds of ISO 8601 texts, in UTC where they name no zone; NaN of those that are none."""
    for zone in (None, "UTC"):
        try:
            ticks = texts.cast(pa.timestamp("us", tz=zone)).cast(pa.int64())
        except pa.ArrowInvalid:
            continue
        seconds: npt.NDArray[np.float64] = ticks.cast(pa.float64()).to_numpy(zero_copy_only=False) / 1e6
        return seconds
    return np.array([_instant(text) for text in texts.to_pylist()], dtype=np.float64)


def _instant(text: str | None) -> float:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return np.nan
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
