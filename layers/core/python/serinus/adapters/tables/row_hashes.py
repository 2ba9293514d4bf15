"""64-bit hashes of values and rows, and samples by hash, which hold all copies of a value or none of them.

They tell equal rows from different ones among honest data (SplitMix64's finaliser; Steele, Lea & Flood 2014);
somebody who makes rows collide on purpose gets his own file told to hold duplicates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from serinus.domain.data_scan import RowHashes

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

MISSING = np.uint64(0x9AE16A3B2F90404F)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_EXACT = 2.0**53  # from here on whole numbers differ that are the same float64
_MOST_BYTES = 4_000_000
_BYTES = np.random.default_rng(64).integers(0, 2**64, 256, dtype=np.uint64)


def mixed(values: Hashes) -> Hashes:
    """Return well-mixed bits of each value; different values stay different."""
    found = values + _ODD
    found ^= found >> np.uint64(30)
    found *= _FIRST
    found ^= found >> np.uint64(27)
    found *= _SECOND
    found ^= found >> np.uint64(31)
    return found


def folded_in(rows: Hashes, values: Hashes) -> None:
    """Fold the next column's hashes into those of rows, in place; what comes out is mixed well in its upper bits."""
    rows ^= values
    rows *= _ODD
    rows ^= rows >> np.uint64(32)


def of_numbers(values: npt.NDArray[np.float64], whole: npt.NDArray[np.int64] | None, greatest: float) -> Hashes:
    """Return the bits of each number: 1 and 1.0 are equal, and so are 0 and −0; great whole numbers are told apart.

    Args:
        values: NaN is missing.
        whole: the same as they were written, where they are whole numbers.
        greatest: of all of them, without sign.
    """
    bits = (values + 0.0).view(np.uint64)
    if whole is not None and greatest >= _EXACT:
        bits = np.where(np.abs(values) >= _EXACT, whole.view(np.uint64), bits)
    return bits


def of_texts(texts: pa.Array[Any]) -> Hashes:
    """Return a hash of each text: a sum over its bytes, each drawn from a table and weighed by its place."""
    if len(texts) > 1 and texts.nbytes > _MOST_BYTES:  # what follows takes twenty times the texts' room
        half = len(texts) // 2
        return np.concatenate([of_texts(texts.slice(0, half)), of_texts(texts.slice(half))])
    if not len(texts):
        return np.empty(0, np.uint64)
    buffers: list[Any] = texts.buffers()
    offsets = np.frombuffer(buffers[1], np.int32, len(texts) + 1, texts.offset * 4).astype(np.int64)
    if buffers[2] is None or offsets[-1] == offsets[0]:
        return mixed(np.zeros(len(texts), np.uint64))  # they are all empty
    lengths = np.diff(offsets)
    raw = np.frombuffer(buffers[2], np.uint8, int(offsets[-1] - offsets[0]), int(offsets[0]))
    places = np.arange(len(raw)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    weights = np.cumprod(np.full(int(lengths.max()), _ODD))
    sums = np.concatenate([[np.uint64(0)], np.cumsum(_BYTES[raw] * weights[places], dtype=np.uint64)])
    within = offsets - offsets[0]
    return mixed(sums[within[1:]] - sums[within[:-1]] + lengths.astype(np.uint64))


class HashSample:
    """Hashes with their rows, in bounded memory: when there are too many, the upper half goes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._halvings = 0
        self._hashes: list[Hashes] = []
        self._rows: list[npt.NDArray[np.int64]] = []
        self._size = 0

    def add(self, hashes: Hashes, rows: npt.NDArray[np.int64]) -> None:
        """Take the hashes of these rows."""
        if self._halvings:
            kept = np.flatnonzero(hashes < self._bound)
            hashes, rows = hashes[kept], rows[kept]
        self._append(hashes, rows)
        while self._size > self._capacity:
            self._halve()

    def found(self) -> RowHashes:
        """Return what was kept, ascending."""
        hashes, rows = _joined(self._hashes, np.uint64), _joined(self._rows, np.int64)
        order = np.argsort(hashes)
        return RowHashes(self._halvings, hashes[order], rows[order])

    @property
    def _bound(self) -> np.uint64:
        return np.uint64(1) << np.uint64(64 - self._halvings)

    def _append(self, hashes: Hashes, rows: npt.NDArray[np.int64]) -> None:
        self._hashes.append(hashes)
        self._rows.append(rows)
        self._size += len(hashes)

    def _halve(self) -> None:
        hashes, rows = _joined(self._hashes, np.uint64), _joined(self._rows, np.int64)
        self._halvings += 1
        kept = np.flatnonzero(hashes < self._bound)
        self._hashes, self._rows, self._size = [hashes[kept]], [rows[kept]], len(kept)


class DistinctCount:
    """How many different hashes there were, from the share of hash space that holds `CAPACITY` of them.

    Within 2 % or so beyond that many (adaptive sampling; Flajolet 1990), and exact below.
    """

    CAPACITY = 4_096

    def __init__(self) -> None:
        self._halvings = 0
        self._seen: Hashes = np.empty(0, np.uint64)

    def add(self, hashes: Hashes) -> None:
        """Take hashes, which may repeat."""
        kept = hashes if not self._halvings else hashes[hashes < np.uint64(1) << np.uint64(64 - self._halvings)]
        if not len(kept):
            return
        self._seen = np.union1d(self._seen, kept)
        while len(self._seen) > self.CAPACITY:
            self._halvings += 1
            bound = np.uint64(1) << np.uint64(64 - self._halvings)
            self._seen = self._seen[: int(np.searchsorted(self._seen, bound))]

    @property
    def estimate(self) -> int:
        """How many there were."""
        return len(self._seen) << self._halvings


def _joined(parts: list[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, kind)
