"""A shadow: the candidate answers a copy of live requests before it gets traffic, and is judged by that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, exp, gcd, lgamma

import numpy as np
import numpy.typing as npt

from serinus.domain.rollout import Outcome
from serinus.domain.rollout_plan import ShadowPlan
from serinus.domain.shadow_tally import ShadowTally
from serinus.domain.task import Task
from serinus.domain.verdict import Verdict

_CHANCE = 0.01  # of rolling back, in all looks together, a candidate that fails no more often than stable
_NEGLIGIBLE = 0.001  # a smaller excess never rolls back
_FEWEST_ROWS = 30  # fewer say nothing about agreement
_SLOWER_SHARE = 0.05  # of requests that must be slow beyond those that were slow by stable
_LEAST_SLICES = 25  # that the requests of a shadow come from, where the log has so many
_MOST_SLICES = 288  # that the time before the rollout is cut into: five minutes each, for a day
_FILE_SECONDS = 60  # the log is filed by the minute: shorter slices would read the same files again and again
_FURTHEST_APART = 1e290  # of two scores: sums stay finite, and JSON knows no infinity
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Visit:
    """A slice of the log to be replayed, or a part of one.

    Attributes:
        begin: where the slice begins.
        end: where it ends, exclusive.
        first: how many of its requests, in a random order that stays, are passed over.
        last: where the visit ends in that order; `None` for the end.
    """

    begin: datetime
    end: datetime
    first: int = 0
    last: int | None = None


@dataclass(frozen=True)
class Slices:
    """The log in slices, and the order in which they are visited.

    Those of before the rollout come first, spread evenly over that time from the first few on, for some of their
    requests each: where there is more traffic than is needed, what is replayed is not just the traffic of one minute.
    Where that was not enough they are visited once more, for the rest. Those that follow come as they do.

    Attributes:
        since: where the first slice begins.
        before: how many lie before the shadow's beginning, and are complete.
        seconds: the length of each of those.
        seconds_after: the length of each that follows.
        at_most: how many requests of one slice are replayed when it is visited first.
    """

    since: datetime
    before: int
    seconds: int
    seconds_after: int
    at_most: int

    def visit(self, number: int) -> Visit:
        """Return the visit of a number, which counts from 0.

        Multiples of a number that shares no divisor with the count of slices meet each of them once; near the golden
        section of the count they are spread evenly at any time.

        >>> from datetime import UTC
        >>> slices = Slices(datetime(2026, 3, 4, tzinfo=UTC), before=5, seconds=120, seconds_after=60, at_most=20)
        >>> [slices.visit(number).begin.minute for number in range(13)]
        [0, 6, 2, 8, 4, 0, 6, 2, 8, 4, 10, 11, 12]
        >>> [(slices.visit(number).first, slices.visit(number).last) for number in (4, 5, 10)]
        [(0, 20), (20, None), (0, None)]
        """
        after = number - 2 * self.before
        if after >= 0:
            begin = self.since + timedelta(seconds=self.before * self.seconds + after * self.seconds_after)
            return Visit(begin, begin + timedelta(seconds=self.seconds_after))
        begin = self.since + timedelta(seconds=number * self._stride % self.before * self.seconds)
        end = begin + timedelta(seconds=self.seconds)
        return Visit(begin, end, 0, self.at_most) if number < self.before else Visit(begin, end, self.at_most)

    @property
    def _stride(self) -> int:
        stride = max(1, round(self.before * _GOLDEN))
        while gcd(stride, self.before) > 1:
            stride += 1
        return stride


def slices_of(
    plan: ShadowPlan, *, began_at: datetime, served_since: datetime, tick_seconds: int, watermark_seconds: int
) -> Slices:
    """Cut the log into slices; the same arguments always cut it alike, so that their number is a cursor.

    Args:
        plan: how far back to go, and for how many requests.
        began_at: when the shadow began.
        served_since: when the stable release was published; before, its log is empty.
        tick_seconds: how often the rollout is looked at.
        watermark_seconds: how late a prediction may be collected.
    """
    since = max(began_at - timedelta(minutes=plan.window_minutes), served_since)
    span = max(0.0, (began_at - since).total_seconds() - watermark_seconds)
    seconds = max(_FILE_SECONDS, ceil(span / _MOST_SLICES))
    before = int(span // seconds)
    at_most = ceil(plan.requests / min(_LEAST_SLICES, max(before, 1)))
    return Slices(since, before, seconds, min(tick_seconds, _FILE_SECONDS), at_most)


def compare(
    stable: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64], threshold: float, task: Task = Task.BINARY
) -> tuple[int, float]:
    """Return on how many rows both agree, and the sum of the absolute differences.

    They agree where both scores lie on the same side of the threshold; of a multi-class task, where both name the
    same class; of a regression, wherever both or neither predict a number: how much they differ is not judged.
    A score that one release gives and the other does not is no agreement.

    >>> compare(np.array([0.2, 0.6, np.nan]), np.array([0.4, 0.4, np.nan]), 0.5)
    (2, 0.4)
    >>> compare(np.array([0.9, 1.5, 2.5]), np.array([0.4, 1.4, 1.6]), 0.5, Task.MULTICLASS)[0]
    2
    """
    alike = np.isnan(stable) == np.isnan(candidate)
    if task is Task.BINARY:
        alike &= (stable >= threshold) == (candidate >= threshold)
    elif task is Task.MULTICLASS:
        alike &= np.isnan(stable) | (np.floor(stable) == np.floor(candidate))
    with np.errstate(over="ignore"):
        apart = np.minimum(np.abs(stable - candidate), _FURTHEST_APART)
    if task is Task.MULTICLASS:
        apart[~alike] = 0.0  # of different classes the confidences tell nothing of each other
    return int(np.sum(alike)), round(float(np.nansum(apart)), 9)


def chance_of_as_many(bad: int, of: int, *, bad_beside: int, of_beside: int) -> float:
    """Return the chance that at least `bad` of all bad events fall on us, were we no worse: Fisher's exact test.

    Given how many there are in all, those that fall on `of` of all requests are then hypergeometric.

    >>> round(chance_of_as_many(3, 4, bad_beside=1, of_beside=4), 4)
    0.2429
    >>> chance_of_as_many(0, 4, bad_beside=0, of_beside=4)
    1.0
    """
    every, in_all = bad + bad_beside, of + of_beside
    most = min(every, of)
    ways = sum(
        exp(_ln_choose(of, k) + _ln_choose(of_beside, every - k) - _ln_choose(in_all, every))
        for k in range(max(bad, every - of_beside), most + 1)
    )
    return min(1.0, round(ways, 12))


def _ln_choose(of: int, picked: int) -> float:
    return lgamma(of + 1) - lgamma(picked + 1) - lgamma(of - picked + 1)


@dataclass(frozen=True)
class ShadowJudgement:
    """What one look at a shadow says; `outcome` is how it ends the rollout, if it does."""

    verdict: Verdict
    reason: str
    outcome: Outcome | None = None


def judge_shadow(tally: ShadowTally, plan: ShadowPlan, *, now: datetime) -> ShadowJudgement:
    """Look at a shadow once.

    Errors and refusals roll back as soon as they are beyond chance. They are looked at again and again: the k-th look
    may use up `0.01 / (k (k + 1))`, and these add up to 0.01. Agreement and latency are judged once, at the end, and
    a candidate that fails them is left to a person: a better model may disagree, and a copy of traffic is colder than
    traffic.

    Args:
        tally: what was counted.
        plan: what the policy asks for.
        now: the time.
    """
    worse = _worse(tally)
    if worse:
        return ShadowJudgement(Verdict.ROLL_BACK, f"shadow: {worse}", Outcome.ROLLED_BACK)
    if tally.replayed < plan.requests and now < tally.began_at + timedelta(seconds=plan.horizon_seconds):
        return ShadowJudgement(
            Verdict.HOLD, f"shadow: {tally.replayed} of {plan.requests} live requests were replayed"
        )
    unlike = _unlike(tally, plan)
    if unlike:
        return ShadowJudgement(Verdict.HOLD, f"shadow: {unlike}", Outcome.INCONCLUSIVE)
    return ShadowJudgement(Verdict.ADVANCE, f"shadow: {_in_words(tally, plan)}")


def _worse(tally: ShadowTally) -> str | None:
    asked, beside = tally.replayed, tally.stable_requests
    failures = f"{tally.stable_failures} of {beside} requests to stable"
    if _beyond_chance(tally.failed, asked, tally.stable_failures, beside, tally.looks):
        return f"{tally.failed} of {asked} live requests replayed to the candidate failed, {failures} did"
    if _beyond_chance(tally.refused, asked, 0, asked, tally.looks):
        return f"the candidate refused {tally.refused} of {asked} live requests that stable had answered"
    return None


def _beyond_chance(bad: int, of: int, bad_beside: int, of_beside: int, looks: int) -> bool:
    if not bad or bad / of - (bad_beside / of_beside if of_beside else 0.0) < _NEGLIGIBLE:
        return False
    chance = chance_of_as_many(bad, of, bad_beside=bad_beside, of_beside=of_beside)
    return chance <= _CHANCE / (looks * (looks + 1))


def _unlike(tally: ShadowTally, plan: ShadowPlan) -> str | None:
    if tally.rows >= _FEWEST_ROWS and tally.agreement < plan.minimum_agreement:
        return (
            f"candidate and stable agree on {tally.agreement:.1%} of {tally.rows} rows (the same side of the "
            f"operating threshold, or the same class), below {plan.minimum_agreement:.1%}; if that is meant, lower "
            "minimum_agreement"
        )
    if tally.slow_ms is None or tally.slow - tally.stable_slow < _SLOWER_SHARE * tally.timed:
        return None
    if chance_of_as_many(tally.slow, tally.timed, bad_beside=tally.stable_slow, of_beside=tally.timed) > _CHANCE:
        return None
    return (
        f"{tally.slow} of {tally.timed} live requests took the candidate longer than {tally.slow_ms:.1f} ms, "
        f"{tally.stable_slow} of them stable; if that is meant, raise maximum_slowdown"
    )


def _in_words(tally: ShadowTally, plan: ShadowPlan) -> str:
    if not tally.replayed:
        why = f", {tally.unreplayable} could not be rebuilt from the log" if tally.unreplayable else ""
        return f"no live request to replay came in {plan.horizon_seconds} seconds{why}; it goes on without"
    few = "" if tally.replayed >= plan.requests else f" (fewer than the {plan.requests} asked for)"
    agreement = f"; {tally.agreement:.1%} of {tally.rows} rows agreed" if tally.rows else ""
    mean = f", scores differing by {tally.difference / tally.rows:.3f}" if tally.rows else ""
    return (
        f"{tally.replayed} live requests were replayed{few}, {tally.failed} failed, {tally.refused} were refused"
        f"{agreement}{mean}"
    )
