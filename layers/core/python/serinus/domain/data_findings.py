"""What is found in data, and what it is judged by. A finding counts, numbers rows, and quotes none.

Categories and numbers that a message names are the policy's own, never the data's: a finding goes into the ledger,
into events and onto terminals, where no personal value may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from serinus.domain.data_limits import ColumnKind, Severity
from serinus.domain.data_scan import DataScan
from serinus.domain.gates import Finding
from serinus.domain.shifts import Shift
from serinus.domain.signature import Signature

DATA_GATES = "data:"  # what the gates of data are called by among those of a model version
MOST_NAMED = 8  # columns in one message

_LONGEST_NAME = 80


@dataclass(frozen=True)
class DataFinding:
    """What one gate found.

    Attributes:
        severity: what it does where it did not pass.
        passed: whether nothing was found.
        message: what was found, where, and what to do.
        numbers: the figures it was judged by.
        rows: the numbers of a few rows, from 1.
    """

    gate: str
    severity: Severity
    passed: bool
    message: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    rows: tuple[int, ...] = ()

    @property
    def rejects(self) -> bool:
        """Whether the data may not be used."""
        return not self.passed and self.severity is Severity.ERROR

    @property
    def finding(self) -> Finding:
        """The same as a gate of the model version; a warning stands against nothing."""
        warned = not self.passed and not self.rejects
        message = f"warning: {self.message}" if warned else self.message
        return Finding(f"{DATA_GATES}{self.gate}", passed=not self.rejects, message=message, numbers=self.numbers)


@dataclass(frozen=True)
class Schema:
    """Which columns there must be.

    Attributes:
        features: and whether each takes numbers alone; `None` where no model says so.
        target: the label's column; `None` where there need not be one.
        others: what may be there besides.
    """

    features: Mapping[str, ColumnKind | None] | None
    target: str | None
    others: frozenset[str] = frozenset()

    def is_feature(self, column: str) -> bool:
        """Whether a model sees the column."""
        if self.features is not None:
            return column in self.features
        return column != self.target and column not in self.others


def schema_of(signature: Signature, target: str, others: Iterable[str | None]) -> Schema:
    """Return what a model demands; a text feature takes numbers too, which are then spelled out."""
    features = {
        feature.name: ColumnKind.NUMBER if feature.datatype.is_number else None for feature in signature.features
    }
    return Schema(features, target, frozenset(name for name in others if name))


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of a file.

    Attributes:
        scan: what one pass over it found.
        schema: which columns there must be.
        at: what the clock shows.
        training: the scan of the rows that trained, where these are held out from them.
        skew: how far each feature is from the live traffic, or why that is not known.
        taken_to: until when the rows reach, where no column says.
    """

    scan: DataScan
    schema: Schema
    at: datetime
    training: DataScan | None = None
    skew: Sequence[Shift] | str = "there is no live traffic to compare with"
    taken_to: datetime | None = None


def named(columns: Iterable[str]) -> str:
    """Name columns in a message, a few of them."""
    names = list(columns)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(repr(short(name)) for name in names[:MOST_NAMED]) + more


def short(name: str) -> str:
    """A file may name a column with a megabyte; a finding must fit into a document."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def at_rows(rows: Sequence[int]) -> str:
    """Number a few rows in a message."""
    return f" (such as row {', '.join(map(str, rows))})" if rows else ""
