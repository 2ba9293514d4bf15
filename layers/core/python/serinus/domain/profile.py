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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cached_property
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from serinus.domain.signature import Datatype, Signature
from serinus.domain.table import Column, Table

Counts = npt.NDArray[np.int64]
Slots = npt.NDArray[np.int64]

CRASHED = "/crash"

_SCORE_BINS = 1_000
_FEATURE_BINS = 40
_CATEGORIES = 200
_ROUNDING = 1e-5  # a forest's float32 probabilities may sum to 1.000001
_LATENCY_EDGES_MS = tuple(round(0.05 * 1.15**i, 6) for i in range(100))  # 0.05 ms to 51 s, 15 % apart


class Outcome(IntEnum):
    """How a request ended; the value is its slot in the section `outcomes`."""

    ANSWERED = 0
    CLIENT_ERROR = 1
    SERVER_ERROR = 2
    CRASHED = 3


@dataclass(frozen=True)
class NumericBins:
    """Bins of a number: missing, below, [e0, e1), …, [ek-1, ek], above. One edge makes one bin for just that value.

    Values are compared in the feature's own precision, so that a float32 on the wire meets the edge it came from.
    """

    name: str
    edges: tuple[float, ...]
    datatype: Datatype = Datatype.FP64

    SPECIAL = 2  # slots before the first inner bin: missing, below

    @property
    def width(self) -> int:
        """How many slots the bins take."""
        return self.inner_width + 3

    @property
    def inner_width(self) -> int:
        """How many bins lie between the edges."""
        return max(len(self.edges) - 1, 1)

    def slots(self, column: Column) -> Slots:
        """Return each value's slot, relative to the section's start. NaN is missing."""
        precision = _precision(self.datatype)
        with np.errstate(over="ignore"):  # beyond FP32 is infinite, as it is for the model
            values = np.asarray(column, dtype=np.float64).astype(precision)
            edges = np.asarray(self.edges, dtype=precision)
        inner = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, self.inner_width - 1)
        slots = inner.astype(np.int64) + self.SPECIAL
        slots[values < edges[0]] = 1
        slots[values > edges[-1]] = self.width - 1
        slots[np.isnan(values)] = 0
        return slots


CHANCES = NumericBins("score", tuple(float(edge) for edge in np.linspace(0, 1, _SCORE_BINS + 1)))


@dataclass(frozen=True)
class CategoricalBins:
    """Bins of a category: missing, other, then the reference's categories, most frequent first."""

    name: str
    categories: tuple[str, ...]

    SPECIAL = 2  # slots before the first category: missing, other

    @property
    def width(self) -> int:
        """How many slots the bins take."""
        return len(self.categories) + self.SPECIAL

    @cached_property
    def _slot_of(self) -> dict[str, int]:
        return {category: index + self.SPECIAL for index, category in enumerate(self.categories)}

    def slots(self, column: Column) -> Slots:
        """Return each value's slot, relative to the section's start. `None` and NaN are missing."""
        return np.array(
            [0 if value is None or value != value else self._slot_of.get(str(value), 1) for value in column],
            dtype=np.int64,
        )


Bins = NumericBins | CategoricalBins


@dataclass(frozen=True)
class Layout:
    """What a profile counts: the outcome and latency of requests, the score and the features of rows."""

    latency: NumericBins
    score: NumericBins
    features: tuple[Bins, ...]

    @cached_property
    def digest(self) -> str:
        """Profiles add only where their layouts have the same digest."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        widths = [len(Outcome), self.latency.width, self.score.width, *(bins.width for bins in self.features)]
        return (0, *accumulate(widths))

    @property
    def size(self) -> int:
        """The number of slots."""
        return self._starts[-1]

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

    def row_slots(
        self, features: Table, scores: npt.NDArray[np.float64], binned: Mapping[str, Slots] | None = None
    ) -> Slots:
        """Return every slot that these rows count into, one for each row and section.

        Args:
            features: columns by name, [rows] each.
            scores: the model's score of each row, [rows].
            binned: columns of which only the bin numbers are known, relative to their section. Numbers that are none
                of its bins are passed over.
        """
        parts = [self.score.slots(scores) + self._starts[2]]
        for position, bins in enumerate(self.features):
            numbers = (binned or {}).get(bins.name)
            if bins.name in features.columns:
                parts.append(bins.slots(features.columns[bins.name]) + self._starts[3 + position])
            elif numbers is not None and numbers.size and 0 <= numbers.min() <= numbers.max() < bins.width:
                parts.append(numbers + self._starts[3 + position])
        return np.concatenate(parts)

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


def layout_from(signature: Signature, features: Table, scores: npt.NDArray[np.float64]) -> Layout:
    """Choose bins from a reference population.

    Numbers get bins at the reference's quantiles, so that each holds about the same share of it; a value that is
    frequent, and the greatest, get bins of their own, or a flag's two values would share one. Categories get the
    reference's most frequent ones. Scores in [0, 1], give or take what float32 sums err by, get 1,000 equal bins,
    from which ranking metrics are exact to about 1e-4.
    """
    score = CHANCES if are_chances(scores) else _quantile_bins("score", scores, Datatype.FP64)
    bins: list[Bins] = []
    for feature in signature.features:
        column = features.columns[feature.name]
        if feature.datatype.is_number:
            bins.append(_quantile_bins(feature.name, np.asarray(column, dtype=np.float64), feature.datatype))
        else:
            bins.append(_category_bins(feature.name, column))
    return Layout(NumericBins("latency_ms", _LATENCY_EDGES_MS), score, tuple(bins))


def are_chances(scores: npt.NDArray[np.float64]) -> bool:
    """Whether all scores lie in [0, 1], give or take what float32 sums err by."""
    return bool(scores.size) and bool(np.all((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)))


def _quantile_bins(name: str, values: npt.NDArray[np.float64], datatype: Datatype) -> NumericBins:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return NumericBins(name, (0.0,), datatype)
    quantiles = np.quantile(finite, np.linspace(0, 1, _FEATURE_BINS + 1))
    edges = np.unique(quantiles)
    if edges.size > 1:
        repeated = edges[np.searchsorted(quantiles, edges, "right") - np.searchsorted(quantiles, edges) > 1]
        frequent = repeated[repeated < edges[-1]]
        edges = np.sort(np.concatenate([edges, _next_up(frequent, datatype), edges[-1:]]))
    return NumericBins(name, tuple(float(edge) for edge in edges), datatype)


def _next_up(values: npt.NDArray[np.float64], datatype: Datatype) -> npt.NDArray[np.float64]:
    """Return the smallest number above each value in the feature's precision."""
    with np.errstate(over="ignore"):  # above the largest number there is infinity
        exact = values.astype(_precision(datatype))
        return np.asarray(np.nextafter(exact, np.inf, dtype=exact.dtype), dtype=np.float64)


def _precision(datatype: Datatype) -> type[np.float32] | type[np.float64]:
    return np.float32 if datatype in {Datatype.FP32, Datatype.FP16} else np.float64


def _category_bins(name: str, column: Column) -> CategoricalBins:
    present = [str(value) for value in column if value is not None and value == value]
    names, counts = np.unique(np.array(present, dtype=str), return_counts=True)
    most_frequent: Sequence[int] = np.argsort(-counts, kind="stable")[:_CATEGORIES].tolist()
    return CategoricalBins(name, tuple(str(names[index]) for index in most_frequent))


def minute_of(instant: datetime) -> str:
    """Name the minute a part belongs to; names sort as time does.

    >>> minute_of(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    '2026-03-04T05:06'
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
