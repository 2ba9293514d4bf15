"""What label files say: the truth about predictions, as it arrives, late, twice, corrected, and sometimes damaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from serinus.domain.table import Table
from serinus.domain.task import GREATEST_NUMBER, Task

LABEL = "_label"  # the truth's column among records and in snapshots; no feature begins with an underscore


@dataclass(frozen=True)
class Label:
    """The truth about one prediction.

    Attributes:
        value: the truth itself.
        id: the request's; `None` where the row has an id of its own.
        row: which row of the request.
        row_id: what the policy's id column said of the row.
        time: when it became known; `None` for when it is recorded.
    """

    value: bool | int | float | str
    id: str | None = None
    row: int = 0
    row_id: str | None = None
    time: datetime | None = None

    @property
    def prediction(self) -> tuple[str | None, int, str | None]:
        """What it is about."""
        return self.id, self.row, self.row_id

    def is_of(self, task: Task) -> bool:
        """Whether it is what labels of a task are: 0 or 1 (or false or true), the name of a class, or a number.

        >>> [Label(value).is_of(Task.BINARY) for value in (True, 0, 1.0, 2, "1")]
        [True, True, True, False, False]
        >>> [Label(value).is_of(Task.REGRESSION) for value in (-2.5, 1e38, 1e39, "1")]
        [True, True, False, False]
        """
        if task is Task.MULTICLASS:
            return True
        if isinstance(self.value, str):
            return False
        return abs(self.value) <= GREATEST_NUMBER if task is Task.REGRESSION else self.value in (0, 1)


@dataclass(frozen=True)
class RefusedFile:
    """A label file of which nothing counts; `reason` says what is wrong, where, and what to do."""

    name: str
    reason: str


@dataclass(frozen=True)
class Conflict:
    """A label file that says two things of one prediction at one time.

    Attributes:
        name: the file's.
        labels: of how many predictions.
        rows: numbers of some of the rows, from 1, that say something else than an earlier one.
    """

    name: str
    labels: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class LabelsRead:
    """What was found in label files.

    Attributes:
        files: how many were read.
        rows: how many rows they hold.
        labels: of how many predictions.
        corrected: how many of these were labelled otherwise before.
        ahead: how many rows carry a time after their file was written; they count as of when it was.
        unmet: how many labels are of no prediction of the window: of another time, or of none at all.
        refused: the files of which nothing counts.
        conflicts: the files that contradict themselves; there the later row counts.
    """

    files: int = 0
    rows: int = 0
    labels: int = 0
    corrected: int = 0
    ahead: int = 0
    unmet: int = 0
    refused: tuple[RefusedFile, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """What somebody should look at, one sentence each, without any id.

        >>> LabelsRead(conflicts=(Conflict("may.csv", 2, (3, 9)),), ahead=1).findings
        ('may.csv says two things of 2 predictions (rows 3, 9): the later row counts', '1 label is dated after its \
file was written, and counts as of then')
        """
        refused = [each.reason for each in self.refused]
        conflicts = [
            f"{each.name} says two things of {_counted(each.labels, 'prediction')} "
            f"(rows {', '.join(map(str, each.rows))}): the later row counts"
            for each in self.conflicts
        ]
        ahead = []
        if self.ahead:
            verb, counts = ("is", "counts") if self.ahead == 1 else ("are", "count")
            ahead = [
                f"{_counted(self.ahead, 'label')} {verb} dated after its file was written, and {counts} as of then"
            ]
        return (*refused, *conflicts, *ahead)


@dataclass(frozen=True)
class FoldedLabels:
    """How many label files were folded, into files of how many days of arrival."""

    files: int
    days: int


@dataclass(frozen=True, eq=False)
class Joined:
    """Prediction records with the labels that came for them.

    Attributes:
        by_release: each release's records, in time order, with the column `_label`: missing where none has come.
        read: what was found in the label files.
    """

    by_release: Mapping[int, Table]
    read: LabelsRead


def labelled(records: Table) -> Table:
    """Return the records whose label has come.

    >>> labelled(Table({LABEL: np.array([1.0, np.nan, 0.0])})).rows
    2
    """
    truth = records.columns[LABEL]
    came = [value is not None for value in truth] if truth.dtype == object else ~np.isnan(truth.astype(np.float64))
    return records.take(np.flatnonzero(came))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"
