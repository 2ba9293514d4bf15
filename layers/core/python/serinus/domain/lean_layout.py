"""A layout without numpy, with which the inference function counts the rows it does not log.

Counts the same as `profile.Layout` does, value for value; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, compress
from typing import Any, NamedTuple

from serinus.domain.lean_bins import LeanBins, LeanNumbers, Values, lean_bins
from serinus.domain.tensor import Block, Tensor
from serinus.errors import SerinusError

Reached = Callable[[Tensor, Sequence[Sequence[float]], Sequence[bytes]], Sequence[Sequence[Sequence[int]]]]
"""Tells how many values of each column reach each of that column's steps, in each group of rows.

Takes numbers of shape [rows, columns] and of the datatype FP32 or FP64, the steps of each column, and groups of rows,
as a byte a row: 1 where it belongs to the group, else 0. Returns counts, [columns][groups][steps]. NaN reaches none.
Where it fails by one of `_FAILED`, what it was asked is counted in Python.
"""

_OUTCOMES = 4  # profile.Outcome, whose section comes first
_FAILED = (SerinusError, ImportError, MemoryError, OSError)  # no session can be opened, or it has no room for a run

_Column = tuple[LeanBins, Iterable[Any], int]  # its bins, its values, and where its section begins


class _Group(NamedTuple):
    """Rows that are counted together.

    Attributes:
        marks: a byte a row: 1 where it belongs to them, else 0.
        rows: how many of them there are.
        shift: how far behind the sections of all rows its own begin.
    """

    marks: bytes
    rows: int
    shift: int


class LeanLayout:
    """What a profile counts of rows: the score's bins and each feature's.

    Attributes:
        digest: of the `profile.Layout` that this stands for.
    """

    def __init__(self, said: Mapping[str, Any], reached: Reached) -> None:
        """Take a layout as `layout_document` says it, and what counts numbers."""
        self.digest = str(said["digest"])
        self._reached = reached
        self._score = LeanNumbers(said["score"])
        self._features = {feature["name"]: lean_bins(feature) for feature in said["features"]}
        self._score_start = _OUTCOMES + LeanNumbers(said["latency"]).width
        widths = [self._score.width, *(bins.width for bins in self._features.values())]
        _, *starts, end = accumulate(widths, initial=self._score_start)
        self._starts = dict(zip(self._features, starts, strict=True))
        self._row_width = end - self._score_start
        self._slicings: list[Mapping[str, Any]] = said.get("slices", [])

    def bins(self, columns: Mapping[str, Values | memoryview]) -> dict[str, list[int]]:
        """Return the bin numbers of each column that is counted, one a row, relative to its section."""
        known = self._features
        return {name: known[name].slots(values) for name, values in columns.items() if name in known}

    def counts(self, blocks: Sequence[Block], scores: Sequence[float]) -> tuple[list[int], list[int]]:
        """Return the slots of the whole layout that these rows count into, ascending, and how often they do."""
        groups = [_Group(b"\1" * len(scores), len(scores), 0), *self._slices(blocks)]
        counted = dict(chain(self._together(blocks, groups), self._one_by_one(blocks, scores, groups)))
        slots = sorted(counted)
        return slots, [counted[slot] for slot in slots]

    def _slices(self, blocks: Sequence[Block]) -> Iterator[_Group]:
        """Yield the rows of each slice, which are counted once more."""
        columns = {
            name: (block, at) for block in blocks for at, name in enumerate(block.columns) if name in self._features
        }
        shift = 0
        for slicing in self._slicings:
            found = columns.get(slicing["feature"])
            slices = [] if found is None else self._sliced(slicing, *found)
            for number in range(len(slicing["names"])):
                shift += self._row_width
                if slices:
                    marks = bytes([slice_ == number for slice_ in slices])
                    yield _Group(marks, sum(marks), shift)

    def _sliced(self, slicing: Mapping[str, Any], block: Block, at: int) -> list[int]:
        """Return the slice of each row."""
        slots = self._features[slicing["feature"]].slots(block.column(at))
        return [slicing["of_slot"][slot] for slot in slots]

    def _together(self, blocks: Sequence[Block], groups: Sequence[_Group]) -> Iterator[tuple[int, int]]:
        """Yield slots, and how many numbers count into them of inputs that are held as they are counted.

        The request is answered by then: it must not fail for its counts, which are the same in Python, only later.
        """
        marks = [group.marks for group in groups]
        for block in blocks:
            held = self._held(block)
            if block.tensor is None or not held:
                continue
            steps = [held[at].steps if at in held else () for at in range(len(block.columns))]
            try:
                found = self._reached(block.tensor, steps, marks)
            except _FAILED:
                yield from _each(
                    [(bins, block.column(at), self._starts[block.columns[at]]) for at, bins in held.items()], groups
                )
                continue
            for at, bins in held.items():
                start = self._starts[block.columns[at]]
                for group, reached in zip(groups, found[at], strict=True):
                    yield from _moved(bins.counts_of(group.rows, reached), group.shift + start)

    def _one_by_one(
        self, blocks: Sequence[Block], scores: Sequence[float], groups: Sequence[_Group]
    ) -> Iterator[tuple[int, int]]:
        """Yield slots, and how many of the scores, and of the values of other columns, count into them."""
        columns: list[_Column] = [(self._score, scores, self._score_start)]
        for block in blocks:
            held = self._held(block)
            for at, name in enumerate(block.columns):
                if name in self._features and at not in held:
                    columns.append((self._features[name], block.column(at), self._starts[name]))
        yield from _each(columns, groups)

    def _held(self, block: Block) -> dict[int, LeanNumbers]:
        """Return the bins of columns that are held in the precision in which they are counted, by their places."""
        datatype = None if block.tensor is None else block.tensor.datatype
        found = {at: self._features.get(name) for at, name in enumerate(block.columns)}
        return {at: bins for at, bins in found.items() if isinstance(bins, LeanNumbers) and bins.datatype is datatype}


def _each(columns: Sequence[_Column], groups: Sequence[_Group]) -> Iterator[tuple[int, int]]:
    """Yield slots, and how many values of these columns count into them, by Python alone."""
    for bins, values, start in columns:
        for group in groups:
            yield from _moved(bins.counts(list(compress(values, group.marks))), group.shift + start)


def _moved(counted: Mapping[int, int], start: int) -> Iterator[tuple[int, int]]:
    """Yield counts of the slots of a section that begins there."""
    return ((start + slot, times) for slot, times in counted.items())
