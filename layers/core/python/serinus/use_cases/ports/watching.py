"""What was counted, recorded, labelled and kept of live traffic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from serinus.domain.label_files import Joined, LabelsRead
from serinus.domain.profile import ProfilePart
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table
from serinus.domain.task import Task


@dataclass(frozen=True)
class Folded:
    """How many files folding wrote."""

    hours: int
    days: int


class ProfileParts(Protocol):
    """What was counted of live traffic.

    However it is folded, and while it is, the sum of what `read` returns is the same.
    """

    def put(self, endpoint: str, release: int, minute: str, part: ProfilePart) -> None:
        """Store a part under a key derived from what it counts."""

    def read(
        self, endpoint: str, release: int, start: datetime, end: datetime, *, singly: bool = False
    ) -> Iterable[ProfilePart]:
        """Return every part of the minutes that touch [start, end).

        A folded hour in the midst of the window comes as its sum, one contribution at the hour's begin; each of its
        requests comes at its own instant where they are wanted singly.
        """

    def fold(self, endpoint: str, before: datetime) -> Folded:
        """Fold minutes that ended before an instant into hours, and hours into days.

        Two may fold at once, and one may die at any write.
        """


class Records(Protocol):
    """Prediction records, one row a scored row."""

    def put(self, endpoint: str, release: int, minute: str, key: str, rows: Table) -> None:
        """Store the rows of one part."""

    def read(self, endpoint: str, release: int, start: datetime, end: datetime) -> Table:
        """Return the rows asked about in [start, end), each once, in time order.

        Columns: `_request`, `_id`, `_row`, `_row_id` (what the policy's id column said, or missing), `_at` (epoch
        seconds), `_inputs` (1 where the row's inputs were logged), `_score`, `_latency_ms` (of the whole request;
        missing in what was recorded before that was kept), and the logged features by name.
        """


class Labels(Protocol):
    """The truth, as it arrives in files, and joined with the predictions that it is about."""

    def join(
        self,
        endpoint: str,
        releases: Sequence[int],
        start: datetime,
        end: datetime,
        *,
        columns: Sequence[str] | None = None,
        task: Task = Task.BINARY,
        id_column: str | None = None,
        before: datetime | None = None,
    ) -> Joined:
        """Return the records of each release asked about in [start, end), with the labels that have come for them.

        A row is met by what the policy's id column says of it, else by its request's id and its number. Of several
        labels the one with the latest time counts; see `docs/how-to/send-labels.md` for the whole rule. A file of
        which a row says something else than it must counts not at all, and is named in what was read.

        Args:
            endpoint: whose.
            releases: by their numbers.
            start: when the window begins.
            end: when it ends, exclusive.
            columns: which columns of `Records` are wanted, those that no record has left out; `None` for all.
            task: what labels are; names of classes make `_label` a column of texts.
            id_column: the column that names a row, where the policy has one.
            before: only files that were written before this count.

        Raises:
            DataRefused: two features differ in the case of letters alone, which a join cannot tell apart.
        """

    def last_arrival(self, endpoint: str, *, before: datetime) -> datetime | None:
        """Return when the last file was written before an instant; `None` where none was."""

    def check(self, name: str, body: bytes, *, task: Task = Task.BINARY, id_column: str | None = None) -> LabelsRead:
        """Return what a file says that is to be recorded.

        Raises:
            DataRefused: of which nothing would count; the message says what is wrong, and where.
        """

    def record(self, endpoint: str, name: str, body: bytes) -> bool:
        """Keep a file under a name made of its content; return whether it is new.

        What is there already stays as old as it is, so that a repetition does not have the last word.

        Raises:
            DataRefused: the name tells no kind that labels come in.
        """


class Snapshots(Protocol):
    """Immutable datasets."""

    def put(self, snapshot: Snapshot, train: Table, holdout: Table) -> None:
        """Store the tables and then the manifest."""

    def get(self, endpoint: str, digest: str) -> tuple[Snapshot, Table, Table]:
        """Return a snapshot with its train and held-out tables.

        Raises:
            ObjectNotFound: there is none of that digest.
        """

    def files(self, endpoint: str, digest: str) -> tuple[Snapshot, bytes, bytes]:
        """Return a snapshot with its train and held-out tables as the Parquet files that they are.

        Raises:
            ObjectNotFound: there is none of that digest.
        """
