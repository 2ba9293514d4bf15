"""Populations as counts that merge: the one thing Serinus compares.

A `Layout` says what is counted: a flat vector of slots, in named sections. A `Profile` is one such vector, merged by
addition. What the log delivers is a `ProfilePart`: the counts of each request by its id. Delivery is at least once,
out of order, and may be split differently the second time; because parts are united by request id before they are
summed, their union is associative, commutative and idempotent, and the sum is the same whatever was delivered how
often.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Bins, CategoricalBins, Counts, NumericBins, Slots
from serinus.domain.chosen_bins import numeric_bins, quantiles_of, score_bins, text_bins
from serinus.domain.layout_document import FORMAT, bins_document, bins_of, is_of_format_1, number_of
from serinus.domain.policy import Slicing
from serinus.domain.profile_slices import SlicedBy, profiled, sliced_by
from serinus.domain.signature import Signature
from serinus.domain.slotting import Range
from serinus.domain.table import Column, Table
from serinus.errors import ProfileRefused

__all__ = [
    "CHANCES",
    "CRASHED",
    "LATENCIES",
    "Bins",
    "CategoricalBins",
    "Counts",
    "Layout",
    "NumericBins",
    "Outcome",
    "Profile",
    "ProfilePart",
    "RequestCounts",
    "Slots",
    "are_chances",
    "empty",
    "layout_from",
    "minute_of",
    "of_parts",
    "of_periods",
    "of_rows",
    "sparse_sum",
    "summed",
    "united",
]

CRASHED = "/crash"

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
    """

    latency: NumericBins
    score: NumericBins
    features: tuple[Bins, ...]
    slices: tuple[SlicedBy, ...] = ()

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """What there is to say of the layout, as JSON can; `of_document` reads it."""
        said = {
            "latency": bins_document(self.latency),
            "score": bins_document(self.score),
            "features": [bins_document(bins) for bins in self.features],
        }
        if not self.slices and all(map(is_of_format_1, self.features)):
            return said
        slices = [
            {"feature": one.feature, "names": list(one.names), "of_slot": list(one.of_slot)} for one in self.slices
        ]
        return {"format": FORMAT, **said, "slices": slices}

    @classmethod
    def of_document(cls, said: Mapping[str, Any]) -> Layout:
        """Return the layout that a document says, of this format or the one before.

        Raises:
            ProfileRefused: it is of another format, or is none.
        """
        if said.get("format", 1) not in (1, FORMAT):
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
            return cls(latency, score, tuple(map(bins_of, said["features"])), slices)
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
        columns = {}
        for bins in self.features:
            numbers = (binned or {}).get(bins.name)
            if bins.name in features.columns:
                columns[bins.name] = bins.slots(features.columns[bins.name])
            elif numbers is not None and numbers.size and 0 <= numbers.min() <= numbers.max() < bins.width:
                columns[bins.name] = numbers
        return self.slots_of_bins(columns, self.score.slots(scores))

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
        return np.concatenate(parts + sliced)

    def sections(self, known: Collection[str]) -> int:
        """Return how many slots a row counts into, if only these features are known of it."""
        return (1 + sum(bins.name in known for bins in self.features)) * (
            1 + sum(one.feature in known for one in self.slices)
        )

    @cached_property
    def without_slices(self) -> Layout:
        """The same, but for slices."""
        return replace(self, slices=())

    def request_slots(self, outcome: Outcome, latency_ms: float | None) -> Slots:
        """Return the slots that one request counts into, its rows apart. A crash has no latency."""
        slots = [int(outcome)]
        if latency_ms is not None:
            slots.append(int(self.latency.slots(np.array([latency_ms]))[0]) + self._starts[1])
        return np.array(slots, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Profile:
    """Counts of a population; `counts` has the shape [layout.size]."""

    layout: Layout
    counts: Counts

    def __add__(self, other: Profile) -> Profile:
        if self.layout.digest != other.layout.digest:
            raise ValueError("profiles of different layouts do not add")
        return Profile(self.layout, self.counts + other.counts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Profile)
            and self.layout.digest == other.layout.digest
            and bool(np.array_equal(self.counts, other.counts))
        )

    __hash__ = None  # type: ignore[assignment]  # counts are an array

    def outcome(self, outcome: Outcome) -> int:
        """How many requests ended so."""
        return int(self.counts[self.layout.outcomes_section][outcome])

    @property
    def requests(self) -> int:
        """How many requests were counted."""
        return int(self.counts[self.layout.outcomes_section].sum())

    @property
    def failures(self) -> int:
        """How many requests failed by our fault: answered 5xx, or left no record."""
        return self.outcome(Outcome.SERVER_ERROR) + self.outcome(Outcome.CRASHED)

    @property
    def rows(self) -> int:
        """How many rows were scored."""
        return int(self.scores.sum())

    @property
    def scores(self) -> Counts:
        """The score histogram, special slots included."""
        return self.counts[self.layout.score_section]

    def feature(self, position: int) -> Counts:
        """The counts of the feature at that position, special slots included."""
        return self.counts[self.layout.feature_section(position)]

    def of_slice(self, slicing: int, number: int) -> Profile:
        """The rows of one slice alone, as a profile without requests and without slices."""
        layout = self.layout.without_slices
        counts = np.zeros(layout.size, dtype=np.int64)
        counts[layout.score_section.start :] = self.counts[self.layout.slice_section(slicing, number)]
        return Profile(layout, counts)

    def latency_ms(self, quantile: float) -> float | None:
        """Return an upper bound of that latency quantile, 15 % wide at the most; `None` without requests."""
        histogram = self.counts[self.layout.latency_section]
        total = int(histogram.sum())
        if total == 0:
            return None
        slot = int(np.searchsorted(np.cumsum(histogram), quantile * total))
        edges = self.layout.latency.edges
        return float(edges[min(max(slot - NumericBins.SPECIAL + 1, 0), len(edges) - 1)])


@dataclass(frozen=True, eq=False)
class RequestCounts:
    """What one request counts into at the instant it was asked; or, of a folded hour, what all its requests do.

    Attributes:
        request: the request's id, by which it is counted once however often it comes. What the platform says of a
            request that ended without an answer carries the mark `CRASHED` behind the id.
        slots: of the layout.
        times: how often each of them; `None` is once each, with repetition.
    """

    request: str
    at: datetime
    slots: Slots
    times: Counts | None = None

    def compact(self) -> RequestCounts:
        """Return the same with each slot once, ascending."""
        if self.times is None:
            slots, times = np.unique(self.slots, return_counts=True)
            return RequestCounts(self.request, self.at, slots, None if times.size == self.slots.size else times)
        return self

    def without_outcome(self) -> RequestCounts:
        """Return the same without how the request ended."""
        kept = self.slots >= len(Outcome)
        return RequestCounts(
            self.request, self.at, self.slots[kept], None if self.times is None else self.times[kept]
        )


@dataclass(frozen=True, eq=False)
class ProfilePart:
    """The counts of the requests that one log delivery brought for one release and minute."""

    layout_digest: str
    stream: str
    requests: tuple[RequestCounts, ...]

    @property
    def key(self) -> str:
        """A key derived from what is counted: the same part again is the same object."""
        counted = "\n".join([self.layout_digest, self.stream, *sorted(counts.request for counts in self.requests)])
        return hashlib.sha256(counted.encode()).hexdigest()[:32]


def empty(layout: Layout) -> Profile:
    """Return the profile of nobody, the zero of addition."""
    return Profile(layout, np.zeros(layout.size, dtype=np.int64))


def of_rows(layout: Layout, features: Table, scores: npt.NDArray[np.float64]) -> Profile:
    """Count rows that were not requests, such as a held-out snapshot.

    Args:
        layout: what to count.
        features: the feature columns, [rows] each.
        scores: the model's score of each row, [rows].
    """
    return Profile(layout, np.bincount(layout.row_slots(features, scores), minlength=layout.size).astype(np.int64))


def of_parts(
    layout: Layout, parts: Iterable[ProfilePart], start: datetime | None = None, end: datetime | None = None
) -> Profile:
    """Unite parts by request id and sum what was asked in [start, end).

    Parts of another layout are passed over: they belong to another model version. A request that left a record and
    of which the platform says that it ended without an answer was not answered.
    """
    return summed(layout, _within(layout, parts, start, end))


def of_periods(layout: Layout, parts: Iterable[ProfilePart], edges: Sequence[datetime]) -> tuple[Profile, ...]:
    """Unite parts by request id and sum what was asked in each period [edges[i], edges[i + 1]).

    A folded hour counts at its begin, so an hour that may be folded must lie within one period.
    """
    periods: list[list[RequestCounts]] = [[] for _ in edges[1:]]
    for counts in _within(layout, parts, edges[0], edges[-1]):
        periods[bisect_right(edges, counts.at) - 1].append(counts)
    return tuple(summed(layout, requests) for requests in periods)


def _within(
    layout: Layout, parts: Iterable[ProfilePart], start: datetime | None, end: datetime | None
) -> tuple[RequestCounts, ...]:
    seen: dict[str, RequestCounts] = {}
    for part in parts:
        if part.layout_digest != layout.digest:
            continue
        for counts in part.requests:
            if (start is None or counts.at >= start) and (end is None or counts.at < end):
                seen[counts.request] = counts
    return united(seen.values())


def united(requests: Iterable[RequestCounts]) -> tuple[RequestCounts, ...]:
    """Count each request once: by its id, and where it left a record and crashed, as a crash that scored rows."""
    seen = {counts.request: counts for counts in requests}
    for name in [name for name in seen if name.endswith(CRASHED)]:
        record = seen.get(name.removesuffix(CRASHED))
        if record is not None:
            seen[record.request] = record.without_outcome()
    return tuple(seen.values())


def summed(layout: Layout, requests: Sequence[RequestCounts]) -> Profile:
    """Add up what different requests count into."""
    slots, times = sparse_sum(requests)
    counts = np.zeros(layout.size, dtype=np.int64)
    counts[slots] = times
    return Profile(layout, counts)


def sparse_sum(requests: Sequence[RequestCounts]) -> tuple[Slots, Counts]:
    """Return the slots that different requests count into, ascending, and how often they do."""
    if not requests:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    slots = np.concatenate([counts.slots for counts in requests])
    if all(counts.times is None for counts in requests):
        totals = np.bincount(slots)
    else:
        times = [np.ones(len(counts.slots)) if counts.times is None else counts.times for counts in requests]
        totals = np.bincount(slots, weights=np.concatenate(times)).astype(np.int64)  # exact up to 2**53
    found = np.flatnonzero(totals)
    return found, totals[found].astype(np.int64)


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
    float32 sums err by, get 1,000 equal bins, from which ranking metrics are exact to about 1e-4.

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
    return Layout(LATENCIES, score, tuple(bins.values()), slices)


def _present(column: Column) -> Iterable[object]:
    return (value for value in column.tolist() if value is not None and value == value)


def are_chances(scores: npt.NDArray[np.float64]) -> bool:
    """Whether all scores lie in [0, 1], give or take what float32 sums err by."""
    return bool(scores.size) and bool(np.all((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)))


def minute_of(instant: datetime) -> str:
    """Name the minute a part belongs to; names sort as time does.

    >>> minute_of(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    '2026-03-04T05:06'
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
