"""What a policy asks of data before they train or validate a model: limits, declared columns, expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from serinus.domain.slotting import Range


class Severity(StrEnum):
    """What a gate's finding does: reject the data, be told, or not be looked for at all."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"


class DataGate(StrEnum):
    """What is looked for in data; expectations and declared columns have severities of their own."""

    SCHEMA = "schema"
    EXTRA_COLUMNS = "extra_columns"
    ROWS = "rows"
    INFINITE = "infinite"
    MISSING = "missing"
    CONSTANT = "constant"
    CARDINALITY = "cardinality"
    DUPLICATES = "duplicates"
    DUPLICATE_IDS = "duplicate_ids"
    BALANCE = "balance"
    LEAKAGE = "leakage"
    OVERLAP = "overlap"
    FRESHNESS = "freshness"
    CLOCK = "clock"
    SKEW = "skew"


# An error is what makes a measurement wrong, whatever the data are about; what may well be meant is told.
DEFAULT_SEVERITIES: Final[Mapping[DataGate, Severity]] = {
    DataGate.SCHEMA: Severity.ERROR,
    DataGate.EXTRA_COLUMNS: Severity.WARNING,
    DataGate.ROWS: Severity.ERROR,
    DataGate.INFINITE: Severity.ERROR,
    DataGate.MISSING: Severity.WARNING,
    DataGate.CONSTANT: Severity.WARNING,
    DataGate.CARDINALITY: Severity.WARNING,
    DataGate.DUPLICATES: Severity.WARNING,
    DataGate.DUPLICATE_IDS: Severity.ERROR,
    DataGate.BALANCE: Severity.WARNING,
    DataGate.LEAKAGE: Severity.ERROR,
    DataGate.OVERLAP: Severity.ERROR,
    DataGate.FRESHNESS: Severity.WARNING,
    DataGate.CLOCK: Severity.WARNING,
    DataGate.SKEW: Severity.WARNING,
}


class ColumnKind(StrEnum):
    """What a column holds: numbers (booleans are 1 and 0), or texts (dates are ISO 8601)."""

    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True)
class DeclaredColumn:
    """What the policy says of one column.

    Attributes:
        kind: what it holds; `None` where the model's signature alone says so.
        minimum: of a number.
        maximum: of a number.
        categories: the texts that there are; none of them where any may be.
        missing_share: how much of it may be missing; `None` for the limit of all columns.
        severity: what a finding about it does.
    """

    column: str
    kind: ColumnKind | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    missing_share: float | None = None
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class Expectation:
    """A condition that rows must meet.

    Attributes:
        condition: over columns, as SQL writes it; see `data_conditions`. A row of which it cannot be told, as a value
            is missing, meets it.
        column: what it is about, for the report.
        tolerated_share: which share of the rows may break it.
        severity: what a finding does.
    """

    condition: str
    column: str | None = None
    tolerated_share: float = 0.0
    severity: Severity = Severity.ERROR

    @property
    def name(self) -> str:
        """What the report calls it."""
        return self.column or self.condition


@dataclass(frozen=True)
class DataLimits:
    """When data are refused, and when something about them is told.

    Attributes:
        minimum_rows: fewer rows measure nothing.
        missing_share: of any column.
        duplicate_share: of rows that repeat an earlier one in every column.
        minority_share: of the rarest class of the target.
        leakage_auc: how well one feature alone may rank the two classes of the target.
        leakage_information: which share of a target's information one feature alone may hold, where the target has
            more than two values.
        overlap_share: of held-out rows that are training rows too, beyond what repeats within the training rows.
        maximum_age_hours: of the newest row; `None` where any age will do.
        time_column: when a row came to be, as a date and time or in seconds since 1970; `None` where nothing says.
        id_column: names a row; `None` for the column that labels join on, if the policy names one.
        skew_psi: how far a feature may be from the endpoint's live traffic (population stability index).
        severities: of the gates that are not to have the default.
        columns: what is declared of columns.
        expectations: what is expected of rows.
    """

    minimum_rows: int = 50
    missing_share: float = 0.5
    duplicate_share: float = 0.2
    minority_share: float = 0.01
    leakage_auc: float = 0.99
    leakage_information: float = 0.9
    overlap_share: float = 0.05
    maximum_age_hours: float | None = None
    time_column: str | None = None
    id_column: str | None = None
    skew_psi: float = 0.1
    severities: Mapping[DataGate, Severity] = field(default_factory=dict, hash=False)
    columns: tuple[DeclaredColumn, ...] = ()
    expectations: tuple[Expectation, ...] = ()

    def severity(self, gate: DataGate) -> Severity:
        """Return what a finding of that gate does."""
        return self.severities.get(gate, DEFAULT_SEVERITIES[gate])

    @property
    def ranges(self) -> Mapping[str, Range]:
        """The least and the greatest value that columns may hold, as far as they are declared."""
        return {
            declared.column: (declared.minimum, declared.maximum)
            for declared in self.columns
            if declared.minimum is not None or declared.maximum is not None
        }

    def looks_for(self, gate: DataGate) -> bool:
        """Whether the gate is looked at."""
        return self.severity(gate) is not Severity.OFF


DEFAULT_DATA_LIMITS = DataLimits()
