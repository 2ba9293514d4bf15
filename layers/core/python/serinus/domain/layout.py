"""What a profile counts: a flat vector of slots, in named sections; and how it is chosen from a reference."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Bins, NumericBins, Slots
from serinus.domain.chosen_bins import numeric_bins, quantiles_of, score_bins, text_bins
from serinus.domain.joint import Joint, joint_of
from serinus.domain.layout_document import (
    FORMAT,
    FORMAT_WITHOUT_JOINT,
    bins_document,
    bins_of,
    is_of_format_1,
    joint_document,
    joint_from,
    number_of,
)
from serinus.domain.policy import Slicing
from serinus.domain.profile_slices import SlicedBy, profiled, sliced_by
from serinus.domain.signature import Signature
from serinus.domain.slotting import Range
from serinus.domain.table import Column, Table
from serinus.errors import ProfileRefused

_SCORE_BINS = 1_000
_ROUNDING = 1e-5  # a forest's float32 probabilities may sum to 1.000001


class Outcome(IntEnum):
    """How a request ended; the value is its slot in the section `outcomes`."""

    ANSWERED = 0
    CLIENT_ERROR = 1
    SERVER_ERROR = 2
    CRASHED = 3


LATENCIES = NumericBins("latency_ms", tuple(round(0.05 * 1.15**i, 6) for i in range(100)))  # to 51 s, 15 % apart
CHANCES = NumericBins("score", tuple(float(edge) for edge in np.linspace(0, 1, _SCORE_BINS + 1)))


@dataclass(frozen=True)
class Layout:
    """What a profile counts: the outcome and latency of requests, the score and the features of rows.

    Attributes:
        slices: by what the rows are counted once more, slice by slice.
        joint: how rows of which every feature is known are counted jointly; `None` where too few columns vary, and
            in layouts of before.
    """

    latency: NumericBins
    score: NumericBins
    features: tuple[Bins, ...]
    slices: tuple[SlicedBy, ...] = ()
    joint: Joint | None = None

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """What there is to say of the layout, as JSON can; `of_document` reads it."""
        said = {
            "latency": bins_document(self.latency),
            "score": bins_document(self.score),
            "features": [bins_document(bins) for bins in self.features],
        }
        if not self.slices and self.joint is None and all(map(is_of_format_1, self.features)):
            return said
        slices = [
            {"feature": one.feature, "names": list(one.names), "of_slot": list(one.of_slot)} for one in self.slices
        ]
        if self.joint is None:
            return {"format": FORMAT_WITHOUT_JOINT, **said, "slices": slices}
        return {"format": FORMAT, **said, "slices": slices, "joint": joint_document(self.joint)}

    @classmethod
    def of_document(cls, said: Mapping[str, Any]) -> Layout:
        """Return the layout that a document says, of this format or one before.

        Raises:
            ProfileRefused: it is of another format, or is none.
        """
        if said.get("format", 1) not in range(1, FORMAT + 1):
            raise ProfileRefused(
                f"the profile is of format {said['format']!r}, and this version of Serinus reads formats 1 to "
                f"{FORMAT}: update Serinus, or make the profile anew"
            )
        try:
            latency, score = number_of(said["latency"]), number_of(said["score"])
            slices = tuple(
                SlicedBy(str(one["feature"]), tuple(one["names"]), tuple(map(int, one["of_slot"])))
                for one in said.get("slices", ())
            )
            features = tuple(map(bins_of, said["features"]))
            joint = joint_from(said["joint"], features) if "joint" in said else None
            return cls(latency, score, features, slices, joint)
        except (KeyError, TypeError, ValueError) as error:
            raise ProfileRefused(f"the profile's layout is damaged ({error!r}): make it anew") from error

    @cached_property
    def digest(self) -> str:
        """Profiles add only where their layouts have the same digest."""
        return hashlib.sha256(json.dumps(self.document, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        widths = [len(Outcome), self.latency.width, self.score.width, *(bins.width for bins in self.features)]
        return (0, *accumulate(widths))

    @property
    def size(self) -> int:
        """The number of slots."""
        return self.joint_start + (self.joint.width if self.joint else 0)

    @property
    def joint_start(self) -> int:
        """The first slot behind those of columns and slices."""
        return self._starts[-1] + self.row_width * sum(len(one.names) for one in self.slices)

    @property
    def row_width(self) -> int:
        """The number of slots that rows count into, those of slices apart."""
        return self._starts[-1] - self._starts[2]

    @property
    def outcomes_section(self) -> slice:
        """The slots of `Outcome`."""
        return slice(self._starts[0], self._starts[1])

    @property
    def latency_section(self) -> slice:
        """The slots of the latency histogram, one count a request."""
        return slice(self._starts[1], self._starts[2])

    @property
    def score_section(self) -> slice:
        """The slots of the score histogram, one count a row."""
        return slice(self._starts[2], self._starts[3])

    def feature_section(self, position: int) -> slice:
        """The slots of the feature at that position, one count a row."""
        return slice(self._starts[3 + position], self._starts[4 + position])

    def slice_section(self, slicing: int, number: int) -> slice:
        """The slots of one slice: as many as `row_width`, in the order of the score's and the features' sections."""
        before = sum(len(one.names) for one in self.slices[:slicing]) + number
        start = self._starts[-1] + before * self.row_width
        return slice(start, start + self.row_width)

    def joint_section(self, position: int) -> slice:
        """The slots of one of the joint bins, one count a row of which every feature is known."""
        relative = self.joint.section(position) if self.joint else slice(0, 0)
        return slice(self.joint_start + relative.start, self.joint_start + relative.stop)

    def row_slots(
        self, features: Table, scores: npt.NDArray[np.float64], binned: Mapping[str, Slots] | None = None
    ) -> Slots:
        """Return every slot that these rows count into, one for each section and row; [sections, rows], laid flat.

        Args:
            features: columns by name, [rows] each.
            scores: the model's score of each row, [rows].
            binned: columns of which only the bin numbers are known, relative to their section. Numbers that are none
                of its bins are passed over.
        """
        return self.slots_of_bins(self._binned(features, binned or {}), self.score.slots(scores))

    def joint_slots(self, features: Table, binned: Mapping[str, Slots]) -> Slots:
        """Return those of the slots that `row_slots` returns that rows count into jointly."""
        return self._joint_slots(self._binned(features, binned))

    def _binned(self, features: Table, binned: Mapping[str, Slots]) -> Mapping[str, Slots]:
        columns = {}
        for bins in self.features:
            numbers = binned.get(bins.name)
            if bins.name in features.columns:
                columns[bins.name] = bins.slots(features.columns[bins.name])
            elif numbers is not None and numbers.size and 0 <= numbers.min() <= numbers.max() < bins.width:
                columns[bins.name] = numbers
        return columns

    def _joint_slots(self, columns: Mapping[str, Slots]) -> Slots:
        if self.joint is None or any(bins.name not in columns for bins in self.features):
            return np.empty(0, dtype=np.int64)
        return self.joint.slots([columns[bins.name] for bins in self.features]) + self.joint_start

    def slots_of_bins(self, columns: Mapping[str, Slots], scores: Slots) -> Slots:
        """Return what `row_slots` does, of rows of which every bin number is known, relative to its section."""
        sliced: list[Slots] = []
        parts = [scores + self._starts[2]]
        parts += [
            columns[bins.name] + start
            for bins, start in zip(self.features, self._starts[3:], strict=False)
            if bins.name in columns
        ]
        for at, one in enumerate(self.slices):
            if one.feature in columns:
                begins = self.slice_section(at, 0).start + one.slices[columns[one.feature]] * self.row_width
                sliced += [part + (begins - self._starts[2]) for part in parts]
        return np.concatenate([*parts, *sliced, self._joint_slots(columns)])

    def sections(self, known: Collection[str]) -> int:
        """Return how many slots a row counts into, if only these features are known of it."""
        columns = 1 + sum(bins.name in known for bins in self.features)
        joint = len(self.joint.bins) if self.joint and columns == 1 + len(self.features) else 0
        return columns * (1 + sum(one.feature in known for one in self.slices)) + joint

    @cached_property
    def without_slices(self) -> Layout:
        """The columns alone: neither slices, nor what is counted jointly."""
        return replace(self, slices=(), joint=None)

    @cached_property
    def without_joint(self) -> Layout:
        """The same, but for what is counted jointly."""
        return replace(self, joint=None)

    def request_slots(self, outcome: Outcome, latency_ms: float | None) -> Slots:
        """Return the slots that one request counts into, its rows apart. A crash has no latency."""
        slots = [int(outcome)]
        if latency_ms is not None:
            slots.append(int(self.latency.slots(np.array([latency_ms]))[0]) + self._starts[1])
        return np.array(slots, dtype=np.int64)


def layout_from(
    signature: Signature,
    features: Table,
    scores: npt.NDArray[np.float64],
    *,
    declared: Mapping[str, Range] | None = None,
    slicings: Sequence[Slicing] = (),
) -> Layout:
    """Choose bins from a reference population.

    Numbers get bins at its quantiles, texts as `chosen_bins.text_bins` says. Scores in [0, 1], give or take what
    float32 sums err by, get 1,000 equal bins, from which ranking metrics are exact to about 1e-4. How columns go
    together is told by `joint`.

    Args:
        signature: whose features are counted.
        features: the reference's rows.
        scores: the model's score of each.
        declared: the least and the greatest value that a column may hold, where somebody says so.
        slicings: the policy's; those that profiles follow are counted.

    Raises:
        DataRefused: profiles are to follow a column that makes no slices.
    """
    sliced = profiled(slicings)
    bins: dict[str, Bins] = {}
    for feature in signature.features:
        name, column = feature.name, features.columns[feature.name]
        if feature.datatype.is_number:
            quantiles = quantiles_of(np.asarray(column, dtype=np.float64))
            cuts = sliced[name].edges if name in sliced else ()
            allowed = (declared or {}).get(name, (None, None))
            bins[name] = numeric_bins(name, quantiles, feature.datatype, declared=allowed, cuts=cuts)
        else:
            bins[name] = text_bins(name, Counter(map(str, _present(column))))
    score = CHANCES if are_chances(scores) else score_bins(quantiles_of(scores))
    slices = tuple(sliced_by(slicing, bins) for slicing in sliced.values())
    slots = {name: each.slots(features.columns[name]) for name, each in bins.items()}
    joint = joint_of(tuple(bins.values()), slots, scores)
    return Layout(LATENCIES, score, tuple(bins.values()), slices, joint)


def _present(column: Column) -> Iterable[object]:
    return (value for value in column.tolist() if value is not None and value == value)


def are_chances(scores: npt.NDArray[np.float64]) -> bool:
    """Whether all scores lie in [0, 1], give or take what float32 sums err by."""
    return bool(scores.size) and bool(np.all((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)))
