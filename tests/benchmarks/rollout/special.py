"""What breaks a comparison of releases, and what a rollout does about it, through `observe` and `judge`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from serinus.domain.environments import NO_ENVIRONMENTS, EnvironmentMinute, ReleaseEnvironments
from serinus.domain.evidence import NOTHING, Tally
from serinus.domain.guard import DEFAULT_GUARDS, Guard, RolloutMetric
from serinus.domain.judgement import RolloutEvidence, Tick, judge, observe
from serinus.domain.score_shift import ScoreShift
from serinus.domain.verdict import Verdict

_PAST = {RolloutMetric.ERRORS: (1_000, 5)}
_MINUTES = 300


def clustered(rollouts: int, seed: int) -> dict[str, float]:
    """Return how often one ill environment of three rolls back a good candidate, with and without looking at it.

    200 requests a minute, 5 % of them to the candidate, whose three environments answer a third each; for an hour one
    of them fails a third of its requests.
    """
    return {
        f"rolled back {how}": float(np.mean([found is not None for found in requests]))
        for how, requests in _with_environments(rollouts, seed, ill=(0.33, 0.005, 0.005)).items()
    }


def sick_throughout(rollouts: int, seed: int) -> dict[str, float]:
    """Return what looking at environments costs where all three of them fail 5 %: requests weighed, in the median."""
    return {
        f"weighed {how}": float(np.median([_MINUTES * 10 if found is None else found for found in requests]))
        for how, requests in _with_environments(rollouts, seed, ill=(0.05, 0.05, 0.05)).items()
    }


def _with_environments(rollouts: int, seed: int, *, ill: tuple[float, float, float]) -> dict[str, list[int | None]]:
    """Return after how many requests each candidate was rolled back, `None` if never; they fail so for an hour."""
    random = np.random.default_rng(seed)
    found: dict[str, list[int | None]] = {"by environments": [], "by requests alone": []}
    for _ in range(rollouts):
        start = RolloutEvidence.at_start(DEFAULT_GUARDS, stable_past=_PAST)
        evidence, weighed = dict.fromkeys(found, start), dict.fromkeys(found, 0)
        back: dict[str, int | None] = dict.fromkeys(found)
        for minute in range(_MINUTES):
            shares = ill if minute < 60 else (0.005, 0.005, 0.005)
            candidate = tuple(_environment(random, f"c{at}", 3.3, share) for at, share in enumerate(shares))
            stable = tuple(_environment(random, f"s{at}", 27, 0.005) for at in range(7))
            tally = _total(stable, candidate)
            for how in found:
                seen = (NO_ENVIRONMENTS, NO_ENVIRONMENTS)
                if how == "by environments":
                    known = evidence[how]
                    seen = (known.stable_environments.seen(stable), known.candidate_environments.seen(candidate))
                tick = Tick(minute // 60, 0.25, {RolloutMetric.ERRORS: (tally,)}, *seen)
                evidence[how] = observe(evidence[how], tick)
                weighed[how] += tally.candidate_requests
                judgement = judge(evidence[how], weight=0.05, next_weight=0.25)
                if back[how] is None and judgement.verdict is Verdict.ROLL_BACK:
                    back[how] = weighed[how]
        for how, requests in back.items():
            found[how].append(requests)
    return found


def late_labels(rollouts: int, seed: int) -> dict[str, float]:
    """Return how often a good candidate is rolled back by labels that come late, by cohort and by time of arrival.

    2,000 labelled requests an hour, of which both releases predict 5 % wrong, rising to 25 % over sixteen hours with
    the population; labels of half the requests come after one hour, the rest after eleven. The candidate serves
    5 % and from the twelfth hour on half, so of what arrives then its labels are of later requests than stable's.
    """
    random = np.random.default_rng(seed)
    guards = (Guard(RolloutMetric.LABELS, margin=0.02),)
    by_cohort = by_arrival = 0
    for _ in range(rollouts):
        right = wrong = RolloutEvidence.at_start(guards)
        found = [False, False]
        served: list[list[Tally]] = []
        for hour in range(30):
            served.append(_labels(random, hour))
            arrived = [served[hour - lag][at] for at, lag in ((0, 1), (1, 11)) if hour >= lag]
            pooled = sum(arrived, NOTHING)
            for at, strata in enumerate((tuple(arrived), (pooled,))):
                evidence = observe((right, wrong)[at], Tick(hour, 0.5, {RolloutMetric.LABELS: strata}))
                right, wrong = (evidence, wrong) if at == 0 else (right, evidence)
                found[at] |= judge(evidence, weight=0.05, next_weight=0.5).verdict is Verdict.ROLL_BACK
        by_cohort, by_arrival = by_cohort + found[0], by_arrival + found[1]
    return {"rolled back by cohort": by_cohort / rollouts, "rolled back by time of arrival": by_arrival / rollouts}


def shifted_scores(rollouts: int, seed: int) -> dict[str, float]:
    """Return what a retrained model does whose scores lie 0.3 logits higher and which fails no more than stable."""
    random = np.random.default_rng(seed)
    fired = back = promoted = 0
    for _ in range(rollouts):
        past = _scores(random, 20_000, 0.0)
        evidence = RolloutEvidence.at_start(DEFAULT_GUARDS, stable_past=_PAST, scores=ScoreShift.at_start(past))
        verdicts = set()
        for minute in range(_MINUTES):
            tally = Tally(190, int(random.binomial(190, 0.005)), 10, int(random.binomial(10, 0.005)))
            assert evidence.scores is not None
            scores = (
                evidence.scores.grouped(_scores(random, 190, 0.0)),
                evidence.scores.grouped(_scores(random, 10, 0.3)),
            )
            evidence = observe(evidence, Tick(minute // 60, 0.25, {RolloutMetric.ERRORS: (tally,)}, scores=scores))
            verdicts.add(judge(evidence, weight=0.05, next_weight=0.25).verdict)
        fired += evidence.scores is not None and evidence.scores.log_e >= math.log(100)
        back, promoted = back + (Verdict.ROLL_BACK in verdicts), promoted + (Verdict.ADVANCE in verdicts)
    return {"shift reported": fired / rollouts, "rolled back": back / rollouts, "advanced": promoted / rollouts}


def cost(ticks: int, seed: int) -> dict[str, float]:
    """Return milliseconds a tick for one rollout with four metrics: taking a tick in, and judging."""
    random = np.random.default_rng(seed)
    guards = (*DEFAULT_GUARDS, Guard(RolloutMetric.OUTCOME))
    found = {}
    for rpm in (20, 200, 2_000, 10_000_000):
        evidence = RolloutEvidence.at_start(guards, stable_past=_PAST)
        took = []
        for minute in range(ticks):
            candidate = int(random.binomial(rpm, 0.05))
            strata = {
                metric: (
                    Tally(
                        rpm - candidate,
                        int(random.binomial(rpm - candidate, share)),
                        candidate,
                        int(random.binomial(candidate, share)),
                    ),
                )
                for metric, share in (
                    (RolloutMetric.ERRORS, 0.005),
                    (RolloutMetric.REFUSALS, 0.01),
                    (RolloutMetric.LATENCY, 0.02),
                    (RolloutMetric.OUTCOME, 0.1),
                )
            }
            environments = ReleaseEnvironments().seen([EnvironmentMinute("one", 100, 1)])
            tick = Tick(minute // 60, 0.25, strata, environments, environments)
            begun = time.process_time_ns()
            evidence = observe(evidence, tick)
            judge(evidence, weight=0.05, next_weight=0.25)
            took.append((time.process_time_ns() - begun) / 1e6)
        found[f"ms a tick at {rpm:,} rpm"] = float(np.median(took))
    return found


def _environment(random: np.random.Generator, name: str, requests: float, failing: float) -> EnvironmentMinute:
    asked = int(random.poisson(requests))
    return EnvironmentMinute(name, asked, int(random.binomial(asked, failing)))


def _total(stable: Sequence[EnvironmentMinute], candidate: Sequence[EnvironmentMinute]) -> Tally:
    return Tally(
        sum(minute.requests for minute in stable),
        sum(minute.failures for minute in stable),
        sum(minute.requests for minute in candidate),
        sum(minute.failures for minute in candidate),
    )


def _labels(random: np.random.Generator, hour: int) -> list[Tally]:
    """Return the hour's labels, those that come soon and those that come late."""
    wrong = 0.05 + 0.20 * min(hour / 16, 1)
    weight = 0.05 if hour < 12 else 0.5
    found = []
    for _ in range(2):
        candidate = int(random.binomial(1_000, weight))
        found.append(
            Tally(
                1_000 - candidate,
                int(random.binomial(1_000 - candidate, wrong)),
                candidate,
                int(random.binomial(candidate, wrong)),
            )
        )
    return found


def _scores(random: np.random.Generator, rows: int, shift: float) -> np.ndarray:
    scores = 1 / (1 + np.exp(-(random.normal(-1, 1, rows) + shift)))
    return np.histogram(scores, 100, (0, 1))[0]
