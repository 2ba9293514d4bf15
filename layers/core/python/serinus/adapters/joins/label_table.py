"""What label files say, in one table, and who of them has the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from serinus.adapters.joins.database import Database, array
from serinus.adapters.joins.label_days import SaidFile, day_lent, files_of, microseconds
from serinus.adapters.joins.label_files import FITS, VALUES, LabelFile, Staging
from serinus.domain.label_files import Conflict, LabelsRead, RefusedFile
from serinus.domain.task import Task
from serinus.errors import DataRefused

_ROWS, _TURNS = 30, 60  # bits of a label's turn that tell its row, and its file and row
_SHOWN = 5


class LabelTable:
    """What the files say that were added so far, in any order.

    Of one prediction the label with the latest time counts; of those, the one of the file written last (of several,
    the last by name); in one file, the later row. A label without a time has that of its file, and none is later than
    its file: a clock that runs ahead would have the last word for good.
    """

    def __init__(self, database: Database, task: Task, id_column: str | None, *, as_written: bool = False) -> None:
        """Take where to, and how labels are read.

        Args:
            database: where the table is made.
            task: what labels are.
            id_column: what the policy calls the column that names a row.
            as_written: whether labels stay the texts that they were, to be kept and not to be joined.
        """
        self.database = database
        self.task = task
        self.id_column = id_column
        self.files: list[SaidFile] = []
        self.value = VALUES[task] if as_written else "label"
        self._as_written = as_written
        self._staging = Staging(database, task, id_column)
        self._refused: list[RefusedFile] = []
        self._attempts = 0
        kind = "VARCHAR" if as_written or task is Task.MULTICLASS else "DOUBLE"
        database.connection.execute(
            f"CREATE TABLE labels (row_id VARCHAR, id VARCHAR, row BIGINT, label {kind}, instant BIGINT, "
            "ahead BOOLEAN, file INTEGER, position BIGINT, corrected BOOLEAN)"
        )

    def add(self, file: LabelFile) -> bool:
        """Add what a file says; return whether it counts.

        A file of which a row says something else than it must is refused as a whole, and the others are none the
        worse for it.
        """
        self._attempts += 1
        try:
            self._staging.stage(file)
        except DataRefused as refusal:
            self._refused.append(RefusedFile(file.name, str(refusal)))
            return False
        self.database.connection.execute(
            "INSERT INTO labels SELECT row_id, CASE WHEN row_id IS NULL THEN id END, "
            f"CASE WHEN row_id IS NULL THEN coalesce(row, 0) END, {'label' if self._as_written else 'value'}, "
            f"least(instant, written), instant > written, {len(self.files)}, position, false FROM said"
        )
        self.files.append(SaidFile(file.name, microseconds(file.written_at), self.id_column))
        return True

    def add_day(self, name: str, body: bytes, *, before: datetime | None = None) -> None:
        """Add what a day's file holds, of label files that were written before an instant.

        What was read when the policy was another, and cannot be read by this one, is told as refused.

        Raises:
            DataRefused: the day's file is damaged, or of a format of another version.
        """
        with day_lent(self.database, name, body) as path:
            held = files_of(self.database, path)
            wanted = [
                place for place, file in enumerate(held) if before is None or file.written < microseconds(before)
            ]
            self._hold(path, held, wanted)
        counts = "true" if self._as_written else f"(row_id IS NULL OR as_now) AND {FITS[self.task]}"
        self.database.connection.execute(
            f"INSERT INTO labels SELECT row_id, id, row, {'label' if self._as_written else 'value'}, instant, false, "
            f"number, 0, corrected FROM held WHERE {counts}"
        )
        (strange,) = self.database.numbers(f"SELECT count(*) FROM held WHERE NOT ({counts})")
        if strange:
            self._refused.append(
                RefusedFile(
                    name,
                    f"{name} holds {strange:,} labels that came when the policy's task or labels.id_column was "
                    "another: they do not count; upload them again as the policy reads them now",
                )
            )
        self.database.connection.execute("DROP TABLE held")
        self._attempts += len(wanted)
        self.files += [held[place] for place in wanted]

    def _hold(self, path: str, held: Sequence[SaidFile], wanted: Sequence[int]) -> None:
        """Make the table `held` of the labels of a day's file that are from certain of its files."""
        numbers = [len(self.files) + number for number in range(len(wanted))]
        as_now = [held[place].id_column == self.id_column for place in wanted]
        self.database.connection.execute(
            "CREATE TABLE held AS SELECT row_id, id, row, day.label AS label, instant, number, corrected, as_now, "
            f"{VALUES[self.task]} AS value FROM read_parquet({path}) AS day JOIN "
            "(SELECT unnest($1::INTEGER[]) AS file, unnest($2::INTEGER[]) AS number, "
            "unnest($3::BOOLEAN[]) AS as_now) USING (file)",
            [array(wanted), array(numbers), array(as_now)],
        )

    def settled(self) -> LabelsRead:
        """Make the tables `row_labels` (id, label) and `request_labels` (id, row, label), and tell what was found."""
        self.take_turns()
        run = self.database.connection.execute
        value = "max_by(label, turn) AS label, min(label) <> max(label) OR bool_or(corrected) AS corrected"
        run(f"CREATE TABLE request_labels AS SELECT id, row, {value} FROM told WHERE row_id IS NULL GROUP BY 1, 2")
        run(f"CREATE TABLE row_labels AS SELECT row_id AS id, {value} FROM told WHERE row_id IS NOT NULL GROUP BY 1")
        both = [
            self.database.numbers(f"SELECT count(*), count(*) FILTER (corrected) FROM {table}")
            for table in ("request_labels", "row_labels")
        ]
        labels = sum(told for told, _ in both)
        files = self.counted(contradicting=self.database.numbers("SELECT count(*) FROM labels") > (labels,))
        conflicting = sorted((file for file in files if file.conflicting), key=lambda file: (file.written, file.name))
        return LabelsRead(
            files=self._attempts,
            rows=sum(file.rows for file in files),
            labels=labels,
            corrected=sum(corrected for _, corrected in both),
            ahead=sum(file.ahead for file in files),
            refused=tuple(self._refused),
            conflicts=tuple(Conflict(file.name, file.conflicting, file.conflicts) for file in conflicting),
        )

    def take_turns(self) -> None:
        """Make the view `told`: `labels` with the turn that each takes, and the place of its file among all."""
        order = sorted(
            range(len(self.files)), key=lambda number: (self.files[number].written, self.files[number].name)
        )
        ways = {way: number for number, way in enumerate(dict.fromkeys(file.id_column for file in self.files))}
        run = self.database.connection.execute
        run(
            "CREATE TABLE turns AS SELECT unnest($1::INTEGER[]) AS file, unnest($2::INTEGER[]) AS place, "
            "unnest($3::INTEGER[]) AS way",
            [array(order), array(range(len(order))), array([ways[self.files[number].id_column] for number in order])],
        )
        run(
            "CREATE VIEW told AS SELECT labels.*, place, CASE WHEN row_id IS NOT NULL THEN way END AS way, "
            f"instant::HUGEINT * {1 << _TURNS} + place::BIGINT * {1 << _ROWS} + position AS turn "
            "FROM labels JOIN turns USING (file)"
        )

    def counted(self, *, contradicting: bool = True) -> Sequence[SaidFile]:
        """Return the files with what was counted of them; those of a day's file were counted when it was made.

        Args:
            contradicting: whether any may contradict itself; looking for that takes a while.
        """
        conflicts = self._conflicts() if contradicting else {}
        found = self.database.connection.execute(
            "SELECT file, count(*), count(*) FILTER (ahead) FROM labels GROUP BY file"
        ).fetchall()
        counts = {file: (rows, ahead) for file, rows, ahead in found}
        return [
            file
            if file.rows
            else SaidFile(file.name, file.written, file.id_column, *counts[number], *conflicts.get(number, (0, ())))
            for number, file in enumerate(self.files)
        ]

    def _conflicts(self) -> Mapping[int, tuple[int, tuple[int, ...]]]:
        """Find predictions of which one file says two things at one time: how many, and at which rows."""
        found = self.database.connection.execute(
            "SELECT file, count(*), list(position ORDER BY position) FROM "
            "(SELECT file, max(position) AS position FROM labels "
            f"GROUP BY file, row_id, id, row, instant HAVING min({self.value}) <> max({self.value})) GROUP BY file"
        ).fetchall()
        return {file: (labels, tuple(positions[:_SHOWN])) for file, labels, positions in found}
