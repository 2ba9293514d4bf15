"""A reference profile of a file that passes by once, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from serinus.domain.bins import Bins, Counts
from serinus.domain.layout import CHANCES, LATENCIES, Layout
from serinus.domain.number_sketch import NumberSketch
from serinus.domain.profile import Profile
from serinus.domain.row_batch import NumberColumn, RowBatch
from serinus.domain.signature import Datatype
from serinus.domain.text_sketch import TextSketch
from serinus.errors import DataRefused


@dataclass(frozen=True, eq=False)
class SketchedProfile:
    """The profile of a file, whose bins follow the file's own rows.

    Attributes:
        profile: of rows without a score.
        distinct: how many different values each column has, `None` for more than were counted one by one.
    """

    profile: Profile
    distinct: Mapping[str, int | None]


def sketch_profile(batches: Iterable[RowBatch]) -> SketchedProfile:
    """Choose bins for every column and count all rows, in one pass.

    The counts are exact. How near the bins' edges come to the quantiles is told by `number_sketch`. The profile is
    the same however the rows are cut into batches.

    Raises:
        DataRefused: a later batch has other columns, or texts where there were numbers.
    """
    sketches: dict[str, NumberSketch | TextSketch] = {}
    rows, names = 0, frozenset[str]()
    for batch in batches:
        names = names or _names(batch)
        _refuse_others(names, batch)
        sketches |= _sketches(batch, sketches)
        _add(sketches, batch)
        rows += 0 if batch.again else batch.rows
    bins: list[Bins] = []
    counts: list[Counts] = []
    distinct: dict[str, int | None] = {}
    for name, sketch in sketches.items():
        chosen = sketch.chosen(name)
        bins.append(chosen.bins)
        counts.append(chosen.counts)
        distinct[name] = chosen.distinct
    layout = Layout(LATENCIES, CHANCES, tuple(bins))
    whole = np.zeros(layout.size, dtype=np.int64)
    whole[layout.score_section.start] = rows  # the slot of rows without a score
    if counts:
        whole[layout.score_section.stop :] = np.concatenate(counts)
    return SketchedProfile(Profile(layout, whole), distinct)


def _names(batch: RowBatch) -> frozenset[str]:
    return batch.elsewhere.union(batch.columns)


def _sketches(
    batch: RowBatch, begun: Mapping[str, NumberSketch | TextSketch]
) -> dict[str, NumberSketch | TextSketch]:
    """Return sketches for the columns that come for the first time."""
    found: dict[str, NumberSketch | TextSketch] = {}
    for name, column in batch.columns.items():
        if name in begun:
            continue
        if isinstance(column, NumberColumn):
            single = column.values.dtype == np.float32
            found[name] = NumberSketch(Datatype.FP32 if single else Datatype.FP64)
        else:
            found[name] = TextSketch()
    return found


def _refuse_others(names: frozenset[str], batch: RowBatch) -> None:
    others = sorted(_names(batch) ^ names)
    if others:
        raise DataRefused(f"{_where(batch)}: column {others[0]!r} is not in all rows: write one schema throughout")


def _where(batch: RowBatch) -> str:
    return f"{batch.file}, from row {batch.first + 1} on"


def _add(sketches: Mapping[str, NumberSketch | TextSketch], batch: RowBatch) -> None:
    for name, column in batch.columns.items():
        sketch = sketches[name]
        if isinstance(column, NumberColumn) and isinstance(sketch, NumberSketch):
            sketch.add(column.values, int(column.not_numbers.sum()) if column.missing is not None else 0)
        elif not isinstance(column, NumberColumn) and isinstance(sketch, TextSketch):
            sketch.add(column)
        else:
            raise DataRefused(
                f"{_where(batch)}: column {name!r} changes between numbers and texts: write one type throughout"
            )
