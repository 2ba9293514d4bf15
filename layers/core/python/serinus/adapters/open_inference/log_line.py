"""Fits a record into one event of the log, without losing a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from serinus.adapters.open_inference.record import Record, render
from serinus.domain.tensor import Block

if TYPE_CHECKING:
    from serinus.domain.lean_layout import LeanLayout

_LONGEST_LINE_BYTES = 250_000  # CloudWatch Logs cuts events at 256 kB
_SHORTEST_VALUE_BYTES = 2
_TRIED_ROWS = 20
_SLACK = 0.9  # rows differ in length


def line(endpoint: str, record: Record, layout: Callable[[], LeanLayout | None]) -> str:
    """Return the record as one line of JSON of at most 250,000 bytes.

    Rows whose inputs are not logged leave their bin numbers. Where the rows do not fit, their counts are logged whole
    and a random sample of the rows; where even the counts of a very wide model do not fit, those of its scores.

    Args:
        endpoint: whose request it was.
        record: what became of it.
        layout: gets the release's layout, if that has one; called only where something has to be binned.
    """
    if _may_fit(record):
        text = render(endpoint, record, _whole(record, layout))
        if len(text) <= _LONGEST_LINE_BYTES:
            return text.decode()
    return _shortened(endpoint, record, layout()).decode()


def _may_fit(record: Record) -> bool:
    """Whether it is worth trying, as one row always is: no value takes less than a digit and a comma."""
    if record.rows <= 1:
        return True
    columns = sum(len(block.columns) for block in record.features) + len(record.unlogged) + 1
    return record.rows * columns * _SHORTEST_VALUE_BYTES <= _LONGEST_LINE_BYTES


def _whole(record: Record, layout: Callable[[], LeanLayout | None]) -> dict[str, Any]:
    """Say the request and every row: its features or their bins, its score, its id."""
    said = record.head()
    if record.features:
        said["features"] = [{"columns": block.columns, "data": block.values} for block in record.features]
    if record.scores is not None:
        said["scores"] = record.scores
    if record.row_ids is not None:
        said["row_ids"] = record.row_ids
    lean = layout() if record.unlogged else None
    if lean is not None:
        said |= {"layout": lean.digest, "bins": lean.bins(record.unlogged)}
    return said


def _shortened(endpoint: str, record: Record, layout: LeanLayout | None) -> bytes:
    """Say the counts of all rows, and a sample of them; the fewer, the longer they are."""
    counts = _counts(endpoint, record, layout)
    room = _LONGEST_LINE_BYTES - len(render(endpoint, record, record.head() | counts))
    for features in (record.features, ()):
        fitting = _fitting(endpoint, record, room, features)
        if fitting:
            return render(endpoint, record, record.head() | counts | fitting)
    return render(endpoint, record, record.head() | counts)


def _counts(endpoint: str, record: Record, layout: LeanLayout | None) -> dict[str, Any]:
    """Return the counts of all rows, or of their scores alone, whichever fits."""
    if layout is None or record.scores is None:
        return {}
    for counted in (record.counted, ()):
        slots, times = layout.counts(counted, record.scores)
        said = {"layout": layout.digest, "counts": {"slots": slots, "times": times}}
        if len(render(endpoint, record, record.head() | said)) <= _LONGEST_LINE_BYTES:
            return said
    return {}


def _fitting(endpoint: str, record: Record, room: int, features: Sequence[Block]) -> dict[str, Any]:
    """Return as many rows, picked at random, as fit; nothing where not one does."""
    bare = len(render(endpoint, record, record.head()))
    rows, estimated = min(_TRIED_ROWS, record.rows), False
    while rows > 0:
        said = _sampled(record, rows, features)
        taken = len(render(endpoint, record, record.head() | said)) - bare
        if taken <= room and (estimated or rows == record.rows):
            return said
        most = rows - 1 if estimated or taken > room else record.rows
        rows, estimated = min(int(rows * room / taken * _SLACK), most), True
    return {}


def _sampled(record: Record, rows: int, features: Sequence[Block]) -> dict[str, Any]:
    from random import Random  # costs a start-up some milliseconds, and few requests need it

    picked = sorted(Random(record.request).sample(range(record.rows), rows))  # noqa: S311 - a sample, not a secret
    said: dict[str, Any] = {"row_numbers": picked}
    if features:
        said["features"] = [{"columns": block.columns, "data": block.rows(picked)} for block in features]
    if record.scores is not None:
        said["scores"] = [record.scores[row] for row in picked]
    if record.row_ids is not None:
        said["row_ids"] = [record.row_ids[row] for row in picked]
    return said
