"""Populations as counts that merge: the one thing Serinus compares.

A `Layout` says what is counted: a flat vector of slots, in named sections. A `Profile` is one such vector, merged by
addition. What the log delivers is a `ProfilePart`: the counts of each request by its id. Delivery is at least once,
out of order, and may be split differently the second time; because parts are united by request id before they are
summed, their union is associative, commutative and idempotent, and the sum is the same whatever was delivered how
often.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins, Slots
from serinus.domain.layout import Layout, Outcome
from serinus.domain.table import Table

CRASHED = "/crash"


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


def minute_of(instant: datetime) -> str:
    """Name the minute a part belongs to; names sort as time does.

    >>> minute_of(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    '2026-03-04T05:06'
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
