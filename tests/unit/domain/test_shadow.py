"""A shadow's slices of the log, what it counts, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.rollout import Outcome, Stage
from serinus.domain.rollout_plan import RolloutPlan, ShadowPlan
from serinus.domain.serving import LogInputs, Serving
from serinus.domain.shadow import chance_of_as_many, compare, judge_shadow, slices_of
from serinus.domain.shadow_tally import Answer, Replay, ShadowTally
from serinus.domain.verdict import Verdict
from tests.builders import NOON, a_policy, a_rollout

PLAN = ShadowPlan(requests=100, horizon_seconds=600)


def a_tally(
    scored: int = 100, *, failed: int = 0, refused: int = 0, agreed: float = 1.0, looks: int = 1, **counts: int
) -> ShadowTally:
    """Return a tally of requests of one row each, beside a stable release that never fails."""
    return ShadowTally(
        NOON,
        visited=1,
        looks=looks,
        scored=scored,
        failed=failed,
        refused=refused,
        rows=scored,
        agreed=round(agreed * scored),
        stable_requests=counts.pop("stable_requests", 1_000),
        stable_failures=counts.pop("stable_failures", 0),
    )


def judged(tally: ShadowTally, *, after_seconds: float = 60) -> tuple[Verdict, Outcome | None, str]:
    """Judge a tally."""
    judgement = judge_shadow(tally, PLAN, now=NOON + timedelta(seconds=after_seconds))
    return judgement.verdict, judgement.outcome, judgement.reason


@given(window=st.integers(0, 3_000), served=st.integers(0, 200_000), tick=st.integers(1, 300))
def test_slices_meet_all_of_the_log_once(window: int, served: int, tick: int) -> None:
    """From the window's beginning on without gap or overlap: some of each slice, then its rest, then what follows."""
    plan = replace(PLAN, window_minutes=window)
    slices = slices_of(
        plan,
        began_at=NOON,
        served_since=NOON - timedelta(seconds=served),
        tick_seconds=tick,
        watermark_seconds=30,
    )
    found = [slices.visit(number) for number in range(2 * slices.before + 5)]
    length, after = timedelta(seconds=slices.seconds), timedelta(seconds=slices.seconds_after)
    grid = [slices.since + n * length for n in range(slices.before)]
    grid += [slices.since + slices.before * length + n * after for n in range(5)]
    whole = [visit for visit in found if visit.last is None and visit.first == 0]
    some, rest = found[: slices.before], found[slices.before : 2 * slices.before]
    assert sorted(visit.begin for visit in (*some, *whole)) == grid
    assert [(visit.begin, visit.last) for visit in some] == [(visit.begin, visit.first) for visit in rest]
    assert all(visit.end == visit.begin + length for visit in (*some, *rest))
    assert all(visit.end == visit.begin + after for visit in whole)
    assert slices.since == max(NOON - timedelta(minutes=window), NOON - timedelta(seconds=served))
    assert slices.before <= 288
    assert all(visit.end <= NOON - timedelta(seconds=30) for visit in some)
    assert slices.at_most * min(25, max(1, slices.before)) >= plan.requests


def test_the_first_slices_are_spread_over_the_day() -> None:
    """A shadow that needs few of them sees the night's requests as well as the day's."""
    slices = slices_of(
        PLAN,
        began_at=NOON,
        served_since=NOON - timedelta(days=9),
        tick_seconds=60,
        watermark_seconds=180,
    )
    hours = sorted((slices.visit(number).begin - slices.since).total_seconds() / 3_600 for number in range(25))
    assert max(np.diff([0.0, *hours, 24.0])) < 2.0


def test_what_is_slow_is_fixed_by_the_first_latencies() -> None:
    """A later tick is judged by the same limit, so that counts can be added."""
    first = [Replay(Answer.SCORED, 1, 1, 0.0, latency_ms=5.0, stable_ms=20.0)]
    later = [
        Replay(Answer.SCORED, 1, 1, 0.0, latency_ms=50.0, stable_ms=90.0),
        Replay(Answer.SCORED, 1, 1, 0.0, latency_ms=50.0, stable_ms=None),
    ]
    tally = ShadowTally(NOON).counting(first, PLAN, visited=1, taken=0, unreplayable=0)
    tally = tally.counting(later, PLAN, visited=2, taken=0, unreplayable=4)
    assert (tally.slow_ms, tally.timed, tally.slow, tally.stable_slow) == (40.0, 2, 1, 1)
    assert (tally.looks, tally.visited, tally.unreplayable, tally.replayed) == (2, 2, 4, 3)


def test_a_tick_without_a_request_is_no_look() -> None:
    """Else waiting for traffic would make the test blunter."""
    assert ShadowTally(NOON).counting([], PLAN, visited=7, taken=0, unreplayable=0) == ShadowTally(NOON, visited=7)


def test_a_missing_score_agrees_with_a_missing_one_alone() -> None:
    """A candidate that says nothing where stable says something is no copy of it."""
    assert compare(np.array([np.nan, np.nan, 0.2]), np.array([np.nan, 0.1, np.nan]), 0.5)[0] == 1


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_the_exact_test_never_overstates_its_evidence(bad: int, good: int, bad_beside: int, good_beside: int) -> None:
    """Summed over all outcomes that are at least as rare it is a chance, and it falls with every further failure."""
    of, of_beside = bad + good, bad_beside + good_beside
    chance = chance_of_as_many(bad, of, bad_beside=bad_beside, of_beside=of_beside)
    assert 0 <= chance <= 1
    if bad < of and bad_beside > 0:
        assert chance_of_as_many(bad + 1, of, bad_beside=bad_beside - 1, of_beside=of_beside) <= chance + 1e-9


def test_looking_often_costs_no_good_candidate() -> None:
    """Of candidates that fail as often as stable, fewer than one in a hundred is rolled back in ten looks."""
    chance, back, runs = np.random.default_rng(7), 0, 400
    for _ in range(runs):
        failed = scored = 0
        for look in range(1, 11):
            fails = int(chance.binomial(50, 0.03))
            failed, scored = failed + fails, scored + 50 - fails
            stable = int(chance.binomial(2_000, 0.03))
            tally = a_tally(scored, failed=failed, looks=look, stable_requests=2_000, stable_failures=stable)
            if judged(tally)[0] is Verdict.ROLL_BACK:
                back += 1
                break
    assert back / runs < 0.01


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (
            a_tally(46, failed=4),
            "4 of 50 live requests replayed to the candidate failed, 0 of 1000 requests to stable",
        ),
        (a_tally(85, refused=15), "the candidate refused 15 of 100 live requests that stable had answered"),
    ],
)
def test_failing_on_live_requests_rolls_back(tally: ShadowTally, said: str) -> None:
    """Even before all were replayed."""
    verdict, outcome, reason = judged(tally)
    assert (verdict, outcome) == (Verdict.ROLL_BACK, Outcome.ROLLED_BACK)
    assert said in reason


@pytest.mark.parametrize(
    "tally",
    [
        a_tally(99, failed=1),
        a_tally(96, failed=4, stable_failures=30),
        a_tally(98, refused=2),
        a_tally(46, failed=4, looks=12, stable_requests=300),
    ],
    ids=["one", "as stable", "two refused", "after many looks"],
)
def test_what_may_be_chance_does_not_roll_back(tally: ShadowTally) -> None:
    """A fault that stable has too, a single one, or one that many looks were bound to see."""
    assert judged(tally)[0] is not Verdict.ROLL_BACK


def test_too_few_requests_wait_until_the_horizon() -> None:
    """Then it goes on with what there is, and says so."""
    assert judged(a_tally(40)) == (Verdict.HOLD, None, "shadow: 40 of 100 live requests were replayed")
    verdict, outcome, reason = judged(a_tally(40), after_seconds=600)
    assert (verdict, outcome) == (Verdict.ADVANCE, None)
    assert reason == (
        "shadow: 40 live requests were replayed (fewer than the 100 asked for), 0 failed, 0 were refused; 100.0% of "
        "40 rows agreed, scores differing by 0.000"
    )


def test_nothing_to_replay_goes_on_and_says_so() -> None:
    """And why, where requests came that could not be rebuilt."""
    assert judged(a_tally(0, looks=0), after_seconds=599)[0] is Verdict.HOLD
    verdict, _, reason = judged(replace(a_tally(0, looks=0), unreplayable=7), after_seconds=600)
    assert verdict is Verdict.ADVANCE
    assert "no live request to replay came in 600 seconds, 7 could not be rebuilt from the log" in reason


def test_disagreement_is_left_to_a_person() -> None:
    """Judged once all were replayed; too few rows say nothing."""
    verdict, outcome, reason = judged(a_tally(100, agreed=0.79))
    assert (verdict, outcome) == (Verdict.HOLD, Outcome.INCONCLUSIVE)
    assert (
        "agree on 79.0% of 100 rows (the same side of the operating threshold, or the same class), below 80.0%"
        in reason
    )
    assert judged(a_tally(100, agreed=0.8))[0] is Verdict.ADVANCE
    assert judged(a_tally(99, agreed=0.1))[1] is None
    assert judged(a_tally(20, agreed=0.1), after_seconds=600)[0] is Verdict.ADVANCE


@pytest.mark.parametrize(
    ("slow", "stable_slow", "outcome"),
    [(30, 4, Outcome.INCONCLUSIVE), (30, 25, None), (4, 0, None)],
    ids=["slower", "as slow", "hardly"],
)
def test_a_slower_candidate_is_left_to_a_person(slow: int, stable_slow: int, outcome: Outcome | None) -> None:
    """Where that is beyond chance, and more than a few requests."""
    tally = replace(a_tally(100), timed=100, slow_ms=40.0, slow=slow, stable_slow=stable_slow)
    assert judged(tally)[1] is outcome


def test_stages_follow_one_another() -> None:
    """Shadowing, shadowed, and in progress from the first step on; a rollout without a shadow is in progress."""
    rollout = a_rollout()
    shadowing = rollout.shadowed(ShadowTally(NOON))
    shadowed = rollout.shadowed(ShadowTally(NOON, passed="well"))
    stages: Sequence[Stage] = [one.stage for one in (rollout, shadowing, shadowed, shadowed.advanced(at=NOON))]
    assert stages == [Stage.IN_PROGRESS, Stage.SHADOWING, Stage.SHADOWED, Stage.IN_PROGRESS]


def test_a_policy_that_does_not_say_has_a_shadow_where_inputs_are_logged() -> None:
    """It takes at most a quarter of the rollout's time; 0 requests leave it out."""
    day, hour = RolloutPlan(), RolloutPlan(horizon_seconds=3_600)
    assert a_policy(rollout=day).shadow == ShadowPlan()
    assert a_policy(rollout=hour).shadow == ShadowPlan(horizon_seconds=900)
    assert a_policy(rollout=replace(day, shadow=PLAN)).shadow == PLAN
    assert a_policy(rollout=replace(day, shadow=ShadowPlan(requests=0))).shadow is None
    assert a_policy(rollout=day, serving=Serving(log_inputs=LogInputs.NONE)).shadow is None
    assert a_policy(rollout=day, serving=Serving(personal=("age",))).shadow is None
    assert a_policy(rollout=day, serving=Serving(log_inputs=LogInputs.SAMPLE, log_share=0.1)).shadow == ShadowPlan()


def test_scores_at_the_edges_of_what_a_float_holds_differ_by_a_finite_number() -> None:
    """A tally with an infinity could be stored and never be read again, and with it no rollout of the endpoint."""
    agreed, difference = compare(np.array([1.7e308] * 2), np.array([-1.7e308] * 2), 0.5)
    assert agreed == 0
    assert np.isfinite(difference)
