"""What a shadow has counted so far: small enough to be kept with its rollout, and saved with it in one write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from serinus.domain.rollout_plan import ShadowPlan

_LEAST_DELAY_MS = 10.0  # less than that no caller notices, whatever the ratio


class Answer(StrEnum):
    """How the candidate answered a replayed request."""

    SCORED = "scored"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Replay:
    """One request that the stable release answered when it was live, asked of the candidate again.

    Attributes:
        answer: how the candidate answered.
        rows: how many rows of it were scored by both; 0 where it was not scored.
        agreed: how many of those both releases put on the same side of the operating threshold.
        difference: the sum of the absolute differences of the rows' scores.
        latency_ms: what the candidate took by its own clock, without a cold start; `None` where it did not tell.
        stable_ms: what the stable release took then; `None` where its log did not tell.
    """

    answer: Answer
    rows: int = 0
    agreed: int = 0
    difference: float = 0.0
    latency_ms: float | None = None
    stable_ms: float | None = None


@dataclass(frozen=True)
class ShadowTally:
    """The state of a shadow.

    Attributes:
        began_at: when the candidate was published, and the shadow began.
        visited: how many visits of slices of the log are done; the cursor.
        taken: how many requests of the visit under way are done.
        looks: how many ticks replayed anything; the more there were, the more evidence a roll-back needs.
        scored: replayed requests that the candidate scored.
        refused: those that it refused (4xx).
        failed: those that it failed (5xx, or no answer at all).
        unreplayable: logged requests that could not be rebuilt, as the log lacks one of their columns.
        rows: the rows that both releases scored.
        agreed: those that both put on the same side of the operating threshold.
        difference: the sum of the absolute differences of their scores.
        timed: the scored requests whose latency is known of both releases.
        slow_ms: the latency above which a request was slow; `None` before any latency was known.
        slow: how many of the timed ones were slow by the candidate.
        stable_slow: how many were slow by the stable release, when it was live.
        stable_requests: what the stable release was asked in the window, as of the last look.
        stable_failures: what of it failed.
        passed: why traffic may be given to the candidate; empty while that is not decided.
    """

    began_at: datetime
    visited: int = 0
    taken: int = 0
    looks: int = 0
    scored: int = 0
    refused: int = 0
    failed: int = 0
    unreplayable: int = 0
    rows: int = 0
    agreed: int = 0
    difference: float = 0.0
    timed: int = 0
    slow_ms: float | None = None
    slow: int = 0
    stable_slow: int = 0
    stable_requests: int = 0
    stable_failures: int = 0
    passed: str = ""

    @property
    def replayed(self) -> int:
        """How many requests the candidate was asked."""
        return self.scored + self.refused + self.failed

    @property
    def agreement(self) -> float:
        """The share of rows on the same side of the operating threshold; 1 where none was scored."""
        return self.agreed / self.rows if self.rows else 1.0

    def counting(
        self, replays: Sequence[Replay], plan: ShadowPlan, *, visited: int, taken: int, unreplayable: int
    ) -> ShadowTally:
        """Return the tally with a tick's replays counted, and how far it came.

        What is slow is fixed by the first tick that knows a latency of the stable release, and stays.

        >>> from datetime import UTC
        >>> tally = ShadowTally(datetime(2026, 3, 4, tzinfo=UTC))
        >>> two = [Replay(Answer.SCORED, 2, 1, 0.5, latency_ms=30.0, stable_ms=4.0), Replay(Answer.FAILED)]
        >>> tally = tally.counting(two, ShadowPlan(), visited=3, taken=0, unreplayable=0)
        >>> (tally.replayed, tally.agreement, tally.slow_ms, tally.slow, tally.stable_slow, tally.looks)
        (2, 0.5, 14.0, 1, 0, 1)
        """
        slow_ms = self.slow_ms if self.slow_ms is not None else _slow_ms(replays, plan.maximum_slowdown)
        timed = [
            (one.latency_ms, one.stable_ms)
            for one in replays
            if one.latency_ms is not None and one.stable_ms is not None
        ]
        return replace(
            self,
            visited=visited,
            taken=taken,
            looks=self.looks + bool(replays),
            scored=self.scored + sum(one.answer is Answer.SCORED for one in replays),
            refused=self.refused + sum(one.answer is Answer.REFUSED for one in replays),
            failed=self.failed + sum(one.answer is Answer.FAILED for one in replays),
            unreplayable=self.unreplayable + unreplayable,
            rows=self.rows + sum(one.rows for one in replays),
            agreed=self.agreed + sum(one.agreed for one in replays),
            difference=self.difference + sum(one.difference for one in replays),
            timed=self.timed + len(timed),
            slow_ms=slow_ms,
            slow=self.slow + sum(ours > slow_ms for ours, _ in timed if slow_ms is not None),
            stable_slow=self.stable_slow + sum(theirs > slow_ms for _, theirs in timed if slow_ms is not None),
        )

    def beside(self, *, requests: int, failures: int) -> ShadowTally:
        """Return the tally with what the stable release did in the window.

        It answered whatever is replayed, so it was asked at least that.
        """
        return replace(self, stable_requests=max(requests, self.scored + self.refused), stable_failures=failures)


def _slow_ms(replays: Sequence[Replay], maximum_slowdown: float) -> float | None:
    latencies = [one.stable_ms for one in replays if one.stable_ms is not None]
    if not latencies:
        return None
    usual = float(np.percentile(latencies, 95))
    return max(maximum_slowdown * usual, usual + _LEAST_DELAY_MS)
