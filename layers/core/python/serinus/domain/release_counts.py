"""What a release did in each tick of a rollout, counted from the parts that the log delivered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import Counts, NumericBins
from serinus.domain.environments import EnvironmentMinute
from serinus.domain.layout import Layout, Outcome
from serinus.domain.profile import ProfilePart, RequestCounts, united
from serinus.domain.rollout_plan import BadOutcome

_MINUTE = 60.0
_UNKNOWN = ""  # the stream of what came from several, once they are merged

_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CountingRules:
    """What is bad besides a failure.

    Attributes:
        slow_from_ms: the latency from which an answer is slow, an edge of the latency histogram.
        outcome: the outcome that the policy declares, if it does.
    """

    slow_from_ms: float
    outcome: BadOutcome | None = None


@dataclass(frozen=True, eq=False)
class ReleaseCounts:
    """What a release did in one tick.

    Attributes:
        requests: all that it was asked.
        failures: those that failed by our fault: answered 5xx, or left no record.
        refusals: those answered 4xx.
        timed: those with a latency; a crash has none.
        slow: those of them that were slow.
        scored: those with at least one score.
        outcomes: those of them with the bad outcome.
        environments: what each execution environment did in each minute, as far as that is still known: what has
            been folded into hours tells it no more.
        scores: the score histogram, special slots included.
    """

    requests: int
    failures: int
    refusals: int
    timed: int
    slow: int
    scored: int
    outcomes: int
    environments: tuple[EnvironmentMinute, ...]
    scores: Counts


def count_ticks(
    layout: Layout, parts: Iterable[ProfilePart], edges: Sequence[datetime], rules: CountingRules
) -> tuple[ReleaseCounts, ...]:
    """Count what was asked in each tick [edges[i], edges[i + 1]), each request once.

    Parts of another layout are passed over: they belong to another model version.

    Args:
        layout: of the release.
        parts: of the release, at least those of [edges[0], edges[-1]).
        edges: when the ticks begin, ascending, and when the last one ends.
        rules: what is bad.
    """
    found, streams = _asked(layout, parts, edges)
    at = np.array([counts.at.timestamp() for counts in found], dtype=np.float64)
    tick = np.searchsorted([edge.timestamp() for edge in edges], at, side="right") - 1
    columns = _Columns.of(found)
    names, environment = np.unique(np.array(streams, dtype=object).astype(str), return_inverse=True)
    return tuple(
        _counted(layout, columns.chosen(tick == index), rules, at, (names, environment))
        for index in range(len(edges) - 1)
    )


def _asked(
    layout: Layout, parts: Iterable[ProfilePart], edges: Sequence[datetime]
) -> tuple[Sequence[RequestCounts], Sequence[str]]:
    stream_of: dict[str, str] = {}
    asked: list[RequestCounts] = []
    for part in parts:
        if part.layout_digest != layout.digest:
            continue
        for counts in part.requests:
            if edges[0] <= counts.at < edges[-1]:
                asked.append(counts)
                stream_of[counts.request] = part.stream
    found = united(asked)
    return found, [stream_of[counts.request] for counts in found]


@dataclass(frozen=True, eq=False)
class _Columns:
    """Contributions of requests as three columns: whose, to which slot, how often."""

    owner: _Integers
    slot: _Integers
    times: _Integers

    @classmethod
    def of(cls, found: Sequence[RequestCounts]) -> _Columns:
        if not found:
            nothing = np.empty(0, dtype=np.int64)
            return cls(nothing, nothing, nothing)
        owner = np.repeat(np.arange(len(found)), [len(counts.slots) for counts in found])
        once = [
            np.ones(len(counts.slots), dtype=np.int64) if counts.times is None else counts.times for counts in found
        ]
        return cls(owner, np.concatenate([counts.slots for counts in found]), np.concatenate(once))

    def chosen(self, requests: npt.NDArray[np.bool_]) -> _Columns:
        kept = requests[self.owner] if self.owner.size else np.empty(0, dtype=bool)
        return _Columns(self.owner[kept], self.slot[kept], self.times[kept])

    def within(self, section: slice) -> _Columns:
        kept = (self.slot >= section.start) & (self.slot < section.stop)
        return _Columns(self.owner[kept], self.slot[kept] - section.start, self.times[kept])

    @property
    def owners(self) -> int:
        return int(np.unique(self.owner).size)

    def sum(self, size: int) -> Counts:
        return np.bincount(self.slot, weights=self.times, minlength=size).astype(np.int64)


def _counted(
    layout: Layout,
    columns: _Columns,
    rules: CountingRules,
    at: npt.NDArray[np.float64],
    environments: tuple[npt.NDArray[np.str_], _Integers],
) -> ReleaseCounts:
    ends = columns.within(layout.outcomes_section)
    latency = columns.within(layout.latency_section)
    scores = columns.within(layout.score_section)
    outcomes = ends.sum(len(Outcome))
    first_slow = int(np.searchsorted(layout.latency.edges, rules.slow_from_ms)) + NumericBins.SPECIAL
    bad = _bad_slots(layout.score, rules.outcome)[scores.slot] if scores.slot.size else np.empty(0, dtype=bool)
    return ReleaseCounts(
        requests=int(outcomes.sum()),
        failures=int(outcomes[Outcome.SERVER_ERROR] + outcomes[Outcome.CRASHED]),
        refusals=int(outcomes[Outcome.CLIENT_ERROR]),
        timed=int(latency.times.sum()),
        slow=int(latency.times[latency.slot >= first_slow].sum()),
        scored=scores.owners,
        outcomes=int(np.unique(scores.owner[bad]).size),
        environments=_minutes(ends, at, environments),
        scores=scores.sum(layout.score.width),
    )


def _bad_slots(bins: NumericBins, outcome: BadOutcome | None) -> npt.NDArray[np.bool_]:
    """Say of each slot of the score whether it is the bad outcome; the limit is rounded to the nearest edge."""
    slots = np.arange(bins.width)
    if outcome is None:
        return np.zeros(bins.width, dtype=bool)
    edges = np.asarray(bins.edges)
    limit = outcome.score_at_least if outcome.score_at_least is not None else outcome.score_at_most
    nearest = int(np.argmin(np.abs(edges - float(limit or 0.0)))) + NumericBins.SPECIAL
    if outcome.score_at_least is not None:
        return np.asarray(slots >= nearest)
    return np.asarray((slots > 0) & (slots < nearest))  # the first slot is of rows without a score


def _minutes(
    ends: _Columns, at: npt.NDArray[np.float64], environments: tuple[npt.NDArray[np.str_], _Integers]
) -> tuple[EnvironmentMinute, ...]:
    names, environment = environments
    known = names[environment] != _UNKNOWN
    ends = ends.chosen(known)
    if not ends.owner.size:
        return ()
    minute = (at[ends.owner] // _MINUTE).astype(np.int64)
    groups, group = np.unique(np.stack([environment[ends.owner], minute]), axis=1, return_inverse=True)
    group = group.ravel()
    requests = np.bincount(group, weights=ends.times).astype(np.int64)
    failed = ends.times * (ends.slot >= Outcome.SERVER_ERROR)
    failures = np.bincount(group, weights=failed).astype(np.int64)
    return tuple(
        EnvironmentMinute(str(names[which]), int(asked), int(failing))
        for which, asked, failing in zip(groups[0], requests, failures, strict=True)
    )
