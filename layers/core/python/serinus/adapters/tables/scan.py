"""Look through a data file once, in bounded memory: Arrow reads, numpy counts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serinus.adapters.tables.columns import from_arrow
from serinus.adapters.tables.conditions import broken
from serinus.adapters.tables.row_hashes import MISSING, Hashes, HashSample, folded_in, mixed
from serinus.adapters.tables.scan_batches import TypesChanged, batches_of, whole
from serinus.adapters.tables.scan_columns import ColumnBatch, ColumnCounter, NumberBatch, column_batch
from serinus.adapters.tables.scan_times import TimeCounter
from serinus.domain.data_conditions import Kind, parse_condition
from serinus.domain.data_limits import Expectation
from serinus.domain.data_scan import EXAMPLES, DataScan, Occurrences, Questions, repetition
from serinus.domain.table import Table
from serinus.errors import DataRefused

_SAMPLE_ROWS = 10_000  # for what takes sorting: a rank or a share is then within a percent or so
_HASHES = 2**17  # of rows, 2 MB with their numbers
_MOST_CLASSES = 100


class ArrowScanner:
    """`Scanner` by Arrow and numpy."""

    def scan(self, name: str, body: bytes, questions: Questions) -> DataScan:
        """Look through a file that is in memory, by way of the disk.

        Raises:
            DataRefused: it cannot be read as a table.
        """
        with tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as kept:
            kept.write(body)
            kept.flush()
            return _looked_through(name, Path(kept.name), questions, bounded=True)

    def scan_file(self, name: str, path: Path, questions: Questions) -> DataScan:
        """Look through a file on the disk.

        Raises:
            DataRefused: it cannot be read as a table.
        """
        return _looked_through(name, path, questions, bounded=False)


def _looked_through(name: str, path: Path, questions: Questions, *, bounded: bool) -> DataScan:
    try:
        return _scanned(name, batches_of(name, path, bounded=bounded), questions)
    except TypesChanged as changed:
        return _scanned(name, whole(name, path, changed.args[0]), questions)


def _scanned(name: str, batches: Iterator[pa.RecordBatch], questions: Questions) -> DataScan:
    first = next(batches, None)
    if first is None or first.num_columns == 0:
        raise DataRefused(f"{name} has no rows: upload it again, with a header and at least one row")
    scanning = _Scanning(name, first.schema.names, questions)
    scanning.add(first)
    for batch in _read_ahead(batches):
        scanning.add(batch)
    return scanning.found()


def _read_ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same, while a thread reads the next one: neither Arrow nor numpy holds Python's lock at work."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


class _Scanning:
    """One pass over one file."""

    def __init__(self, file: str, names: Iterable[str], questions: Questions) -> None:
        self._file = file
        self._rows = 0
        self._names = tuple(sorted(names))  # a row's hash must not depend on the file's order
        self._columns = {name: ColumnCounter(questions.declared.get(name)) for name in self._names}
        self._row_hashes = HashSample(_HASHES)
        self._target = questions.target if questions.target in self._columns else None
        self._classes: Counter[str] | None = Counter()
        self._id = questions.id_column if questions.id_column in self._columns else None
        self._ids = HashSample(_HASHES)
        self._time = questions.time_column if questions.time_column in self._columns else None
        self._times = TimeCounter(questions.at)
        self._expected = [_Expected(expectation) for expectation in questions.expectations]
        self._sample = _RowSample()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch."""
        if not batch.num_rows:
            return
        first_row = self._rows + 1
        read = {name: column_batch(self._file, name, batch.column(name)) for name in self._names}
        rows = np.arange(first_row, first_row + batch.num_rows)
        hashes: Hashes = np.zeros(batch.num_rows, np.uint64)
        for name, column in read.items():
            self._columns[name].add(column, first_row)
            folded_in(hashes, column.hashes)
        self._row_hashes.add(mixed(hashes), rows)
        if self._id is not None:
            there = read[self._id].hashes != MISSING
            self._ids.add(mixed(read[self._id].hashes[there]), rows[there])
        if self._time is not None:
            self._times.add(read[self._time], first_row)
        if self._target is not None:
            self._count_classes(batch.column(self._target))
        for expected in self._expected:
            expected.add(batch, read, first_row)
        self._sample.add(batch, rows)
        self._rows += batch.num_rows

    def found(self) -> DataScan:
        """Return what was counted.

        Raises:
            DataRefused: there was no row.
        """
        if not self._rows:
            raise DataRefused(f"{self._file} has a header but no rows: upload it again, with at least one row")
        hashes = self._row_hashes.found()
        return DataScan(
            file=self._file,
            rows=self._rows,
            columns={name: counter.found() for name, counter in self._columns.items()},
            duplicates=repetition(hashes),
            duplicate_ids=None if self._id is None else repetition(self._ids.found()),
            classes=dict(self._classes or {}),
            times=None if self._time is None else self._times.found(),
            broken=tuple(expected.found for expected in self._expected),
            hashes=hashes,
            sample=self._sample.table(self._file),
        )

    def _count_classes(self, column: pa.Array[Any]) -> None:
        if self._classes is None:
            return
        for counted in pc.value_counts(column.drop_null()):
            self._classes[str(counted["values"])] += counted["counts"].as_py()
            if len(self._classes) > _MOST_CLASSES:
                self._classes = None
                return


class _Expected:
    """Counts the rows that break one expectation."""

    def __init__(self, expectation: Expectation) -> None:
        self._condition = parse_condition(expectation.condition)
        self._as_texts: frozenset[str] | None = None  # columns without any value, which fit either kind
        self.found: Occurrences | str = Occurrences()

    def add(self, batch: pa.RecordBatch, read: Mapping[str, ColumnBatch], first_row: int) -> None:
        """Count the rows of a batch; where it cannot be told, say why."""
        if isinstance(self.found, str):
            return
        try:
            if self._as_texts is None:
                self._as_texts = self._fitted(batch, read)
            columns = {
                name: pa.nulls(batch.num_rows, pa.string()) if name in self._as_texts else read[name].array()
                for name in self._condition.columns
            }
            rows = broken(self._condition.root, columns, batch.num_rows)
        except DataRefused as refusal:
            self.found = str(refusal)
        except pa.ArrowInvalid:
            self.found = f"{self._condition.text!r} holds a regular expression that is none"
        else:
            self.found += Occurrences(len(rows), tuple(int(row) + first_row for row in rows[:EXAMPLES]))

    def _fitted(self, batch: pa.RecordBatch, read: Mapping[str, ColumnBatch]) -> frozenset[str]:
        kinds = {name: Kind.NUMBER if isinstance(found, NumberBatch) else Kind.TEXT for name, found in read.items()}
        void = {name for name in kinds if pa.types.is_null(batch.schema.field(name).type)}
        try:
            self._condition.check(kinds)
        except DataRefused:
            if not void:
                raise
            self._condition.check(kinds | dict.fromkeys(void, Kind.TEXT))
            return frozenset(void)
        return frozenset()


class _RowSample:
    """Rows drawn by a hash of their number: the same rows of the same file, whatever else is in it."""

    def __init__(self) -> None:
        self._halvings = 0
        self._parts: list[pa.Table] = []
        self._keys: list[Hashes] = []

    def add(self, batch: pa.RecordBatch, rows: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Draw from a batch."""
        keys = mixed(rows.view(np.uint64))
        self._parts.append(pa.table(batch))
        self._keys.append(keys)
        self._draw(-1)
        while sum(map(len, self._keys)) > _SAMPLE_ROWS:
            self._halvings += 1
            self._draw(0)

    def table(self, file: str) -> Table:
        """Return the rows.

        Raises:
            DataRefused: a column holds what is neither numbers nor texts.
        """
        whole = pa.concat_tables(self._parts).unify_dictionaries()
        return Table({name: from_arrow(file, whole, name) for name in whole.column_names})

    def _draw(self, first: int) -> None:
        """Drop what is not drawn, of the newest part or of all."""
        if not self._halvings:
            return
        bound = np.uint64(1) << np.uint64(64 - self._halvings)
        for at in range(len(self._parts))[first:]:
            kept = np.flatnonzero(self._keys[at] < bound)
            if len(kept) < len(self._keys[at]):
                self._parts[at], self._keys[at] = self._parts[at].take(kept), self._keys[at][kept]
