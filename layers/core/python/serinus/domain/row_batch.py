"""Rows of a file as they pass by: columns of numbers, and columns of texts in which each text is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.domain.feature_columns import spelled_out
from serinus.domain.steps import Numbers

Codes = npt.NDArray[np.signedinteger[Any]]  # of 32 or 64 bits


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers, [rows], NaN where there is none.

    Attributes:
        missing: which rows have no value, where some rows hold NaN as a value; `None` where all NaN are missing.
    """

    values: Numbers
    missing: npt.NDArray[np.bool_] | None = None

    @property
    def not_numbers(self) -> npt.NDArray[np.bool_]:
        """Which rows hold NaN as a value."""
        nothing = np.zeros(self.values.size, dtype=bool)
        return nothing if self.missing is None else np.isnan(self.values) & ~self.missing

    def as_texts(self) -> TextColumn:
        """Return the numbers as requests for a text would carry them."""
        different, codes = np.unique(self.values.astype(np.float64), return_inverse=True)
        texts = [str(text) for text in spelled_out(different[~np.isnan(different)]).tolist()]
        return TextColumn(np.where(np.isnan(self.values), -1, codes), texts)


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Texts: which of `texts` each row has, -1 where it has none, [rows]; each of `texts` comes at least once.

    Attributes:
        counted: how often each text comes, [texts], where whoever made the column had to count anyway.
    """

    codes: Codes
    texts: Sequence[str]
    counted: npt.NDArray[np.int64] | None = None

    @property
    def times(self) -> npt.NDArray[np.int64]:
        """How often each text comes, [texts]."""
        if self.counted is not None:
            return self.counted
        return np.bincount(self.codes + 1, minlength=len(self.texts) + 1)[1:].astype(np.int64)


BatchColumn = NumberColumn | TextColumn


@dataclass(frozen=True)
class Expected:
    """Columns that somebody knows beforehand, of numbers and of texts; none where nobody does.

    Attributes:
        together: whether a batch has to bring all columns of its rows, since rows are counted by several at once.
    """

    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    together: bool = False

    def __bool__(self) -> bool:
        return bool(self.numbers or self.texts)


ANYTHING = Expected()


@dataclass(frozen=True, eq=False)
class RowBatch:
    """Some rows of a file, one after the other: all columns of them, or, of a wide file, a few at a time.

    Attributes:
        file: its name, for messages.
        first: how many rows come before these.
        elsewhere: the file's other columns, which other batches bring.
        again: whether the rows have come before, with other columns.
    """

    file: str
    first: int
    rows: int
    columns: Mapping[str, BatchColumn]
    elsewhere: frozenset[str] = frozenset()
    again: bool = False
