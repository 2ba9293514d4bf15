"""From counts to a verdict: the rules, the guard rails, and what is said of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from serinus.domain.environments import EnvironmentMinute, ReleaseEnvironments, SeenEnvironments
from serinus.domain.evidence import Tally
from serinus.domain.guard import DEFAULT_GUARDS, Guard, RolloutMetric
from serinus.domain.judgement import Judgement, RolloutEvidence, Tick, judge, observe
from serinus.domain.score_shift import ScoreShift
from serinus.domain.simulated_rollouts import SimulatedRollouts
from serinus.domain.verdict import Verdict

GOOD = Tally(9_500, 48, 500, 2)
BAD = Tally(9_500, 48, 500, 30)
ERRORS = DEFAULT_GUARDS[0]
PAST = {RolloutMetric.ERRORS: (100_000, 500)}


def a_tick(errors: Tally = GOOD, *, hour: int = 0, next_weight: float = 0.25, **others: Tally) -> Tick:
    """Return a tick in which nothing but errors happened, unless others are named."""
    refusals = Tally(errors.stable_requests, 0, errors.candidate_requests, 0)
    strata = {
        RolloutMetric.ERRORS: (errors,),
        RolloutMetric.REFUSALS: (refusals,),
        RolloutMetric.LATENCY: (refusals,),
    }
    return Tick(hour, next_weight, strata | {RolloutMetric(name): (tally,) for name, tally in others.items()})


def judged(
    ticks: Sequence[Tick], guards: Sequence[Guard] = DEFAULT_GUARDS, *, next_weight: float = 0.25
) -> Judgement:
    """Return the judgement after those ticks."""
    evidence = RolloutEvidence.at_start(guards, stable_past=PAST)
    for tick in ticks:
        evidence = observe(evidence, tick)
    return judge(evidence, weight=0.05, next_weight=next_weight)


def environments(*failures: int, requests: int) -> SeenEnvironments:
    """Return a minute of as many environments."""
    minutes = [EnvironmentMinute(f"environment {at}", requests, failed) for at, failed in enumerate(failures)]
    return ReleaseEnvironments().seen(minutes)


CASES = [
    pytest.param([], DEFAULT_GUARDS, Verdict.HOLD, "no traffic: no request to the candidate, at 5%", id="nothing"),
    pytest.param([a_tick(Tally(90, 0, 0, 0))], DEFAULT_GUARDS, Verdict.HOLD, "no traffic", id="stable alone"),
    pytest.param([a_tick(Tally(0, 0, 9, 9))], DEFAULT_GUARDS, Verdict.HOLD, "no request to stable", id="no stable"),
    pytest.param([a_tick(Tally(95, 0, 5, 0))], DEFAULT_GUARDS, Verdict.HOLD, "not enough evidence yet", id="little"),
    pytest.param([a_tick()], DEFAULT_GUARDS, Verdict.ADVANCE, "of 20 needed", id="good"),
    pytest.param(
        [a_tick(BAD)],
        DEFAULT_GUARDS,
        Verdict.ROLL_BACK,
        "30 of 500 requests to the candidate failed (6.00%)",
        id="bad",
    ),
    pytest.param(
        [a_tick(refusals=Tally(9_500, 9, 500, 60))], DEFAULT_GUARDS, Verdict.ROLL_BACK, "were refused", id="refusals"
    ),
    pytest.param(
        [a_tick(latency=Tally(9_500, 300, 500, 80))], DEFAULT_GUARDS, Verdict.ROLL_BACK, "were slow", id="slow"
    ),
    pytest.param(
        [a_tick(latency=Tally(9_500, 190, 500, 28))],
        DEFAULT_GUARDS,
        Verdict.HOLD,
        "something speaks against the candidate: latency",
        id="suspected by another metric",
    ),
    pytest.param(
        [a_tick(Tally(999_000, 20, 1_000_000, 900))],
        DEFAULT_GUARDS,
        Verdict.HOLD,
        "less than 0.1 points are too few to matter",
        id="tiny excess",
    ),
    pytest.param([a_tick()], [replace(ERRORS, guards_promotion=False)], Verdict.HOLD, "no guard", id="no guard"),
    pytest.param(
        [a_tick()],
        [*DEFAULT_GUARDS, Guard(RolloutMetric.LABELS, 0.02, guards_promotion=True)],
        Verdict.HOLD,
        "no labels: none has come",
        id="no labels",
    ),
    pytest.param(
        [a_tick(labels=Tally(950, 95, 50, 30))],
        [*DEFAULT_GUARDS, Guard(RolloutMetric.LABELS)],
        Verdict.ROLL_BACK,
        "30 of 50 labelled predictions of the candidate were wrong",
        id="bad labels",
    ),
]


@pytest.mark.parametrize(("ticks", "guards", "verdict", "reason"), CASES)
def test_judgements(ticks: list[Tick], guards: list[Guard], verdict: Verdict, reason: str) -> None:
    """Every row of the table of cases is judged so, for the reason given."""
    found = judged(ticks, guards)
    assert found.verdict is verdict
    assert reason in found.reason


def test_labels_are_asked_for_before_all_traffic() -> None:
    """A guard on labels that no promotion waits for still keeps stable some traffic until labels come."""
    guards = [*DEFAULT_GUARDS, Guard(RolloutMetric.LABELS)]
    ticks = [a_tick(Tally(50_000, 250, 50_000, 250), next_weight=1)]
    assert judged([a_tick()], guards).verdict is Verdict.ADVANCE
    assert "no labels" in judged(ticks, guards, next_weight=1).reason
    ticks = [replace(ticks[0], strata={**ticks[0].strata, RolloutMetric.LABELS: (Tally(90, 9, 90, 9),)})]
    assert judged(ticks, guards, next_weight=1).verdict is Verdict.ADVANCE


def test_the_proof_of_a_step_is_none_for_the_next() -> None:
    """Right after a step nothing is proven for the one that follows, whose margin is narrower; history is kept."""
    evidence = observe(RolloutEvidence.at_start(DEFAULT_GUARDS, stable_past=PAST), a_tick())
    assert judge(evidence, weight=0.05, next_weight=0.25).verdict is Verdict.ADVANCE
    after = judge(evidence, weight=0.25, next_weight=0.5)
    assert after.verdict is Verdict.HOLD
    assert "no request to the candidate is counted yet in this step" in after.reason
    assert after.figures[0].candidate_requests == 500
    again = observe(evidence, a_tick(next_weight=0.5))
    assert judge(again, weight=0.25, next_weight=0.5).figures[0].margin == pytest.approx(0.01)


def test_all_guards_of_a_promotion_must_be_proven() -> None:
    """A second guard that is not proven holds, and only it is named."""
    guards = [ERRORS, Guard(RolloutMetric.OUTCOME, 0.005, guards_promotion=True)]
    found = judged([a_tick(outcome=Tally(9_500, 950, 500, 50))], guards)
    assert found.verdict is Verdict.HOLD
    assert found.reason.startswith("not enough evidence yet: outcome")
    assert "errors" not in found.reason


def test_failures_of_one_environment_hold() -> None:
    """Failures that one environment of five causes are told from a bad candidate's, and never convict again."""
    evidence = RolloutEvidence.at_start(DEFAULT_GUARDS, stable_past=PAST)
    tick = replace(
        a_tick(Tally(1_900, 9, 100, 20)),
        stable_environments=environments(*[1] * 9, *[0] * 10, requests=100),
        candidate_environments=environments(20, 0, 0, 0, 0, requests=20),
    )
    evidence = observe(evidence, tick)
    found = judge(evidence, weight=0.05, next_weight=0.25)
    assert found.verdict is Verdict.HOLD
    assert "20 of 20 failures came from one execution environment" in found.reason
    assert judge(observe(evidence, tick), weight=0.05, next_weight=0.25).verdict is Verdict.HOLD


def test_few_failures_of_one_environment_hold_before_it_is_found_out() -> None:
    """Five failures convict by requests alone; as one environment's they are doubted, and said to be."""
    tick = replace(
        a_tick(Tally(950, 5, 50, 5)),
        stable_environments=environments(1, 1, 1, 1, 1, requests=190),
        candidate_environments=environments(5, 0, 0, 0, 0, requests=10),
    )
    found = judged([tick])
    assert judged([a_tick(Tally(950, 5, 50, 5))]).verdict is Verdict.ROLL_BACK
    assert found.verdict is Verdict.HOLD
    assert "5 of 5 failures came from one execution environment" in found.reason


def test_a_bad_candidate_with_an_ill_environment_is_rolled_back() -> None:
    """Where other environments fail as well, environment-minutes convict."""
    evidence = RolloutEvidence.at_start(DEFAULT_GUARDS, stable_past=PAST)
    for _ in range(8):
        tick = replace(
            a_tick(Tally(1_900, 2, 100, 24)),
            stable_environments=environments(1, 1, *[0] * 17, requests=100),
            candidate_environments=environments(20, 1, 1, 1, 1, requests=20),
        )
        evidence = observe(evidence, tick)
    assert evidence.candidate_environments.cluster is not None
    assert judge(evidence, weight=0.05, next_weight=0.25).verdict is Verdict.ROLL_BACK


def test_an_ill_environment_of_stable_promotes_nobody() -> None:
    """Next to a stable that fails for one environment's sake any candidate looks well, so nothing advances."""
    tick = replace(
        a_tick(Tally(9_500, 400, 500, 2)),
        stable_environments=environments(400, 0, 0, 0, requests=2_375),
        candidate_environments=environments(2, requests=500),
    )
    found = judged([tick])
    assert found.verdict is Verdict.HOLD
    assert "stable is no measure" in found.reason


def test_a_shift_of_scores_never_rolls_back() -> None:
    """However far the scores have moved, they roll nothing back; where a tolerance is declared they hold."""
    past, moved = np.full(40, 1_000), np.arange(40)
    groups = ScoreShift.at_start(past).grouped
    ticks = [replace(a_tick(), scores=(groups(past), groups(moved)))] * 3
    for tolerance, verdict in ((None, Verdict.ADVANCE), (0.2, Verdict.HOLD)):
        evidence = RolloutEvidence.at_start(
            DEFAULT_GUARDS, stable_past=PAST, scores=ScoreShift.at_start(past, tolerance=tolerance)
        )
        for tick in ticks:
            evidence = observe(evidence, tick)
        assert evidence.scores is not None
        assert evidence.scores.log_e > math.log(100)
        found = judge(evidence, weight=0.05, next_weight=0.25)
        assert found.verdict is verdict
        assert ("scores have shifted" in found.reason) is (verdict is Verdict.HOLD)


def test_the_figures_say_what_the_verdict_rests_on() -> None:
    """Each metric's counts, evidence and excess are in the judgement, and the proof where one is asked for."""
    figures = {figure.metric: figure for figure in judged([a_tick(BAD)]).figures}
    errors = figures[RolloutMetric.ERRORS]
    assert (errors.stable_requests, errors.stable_bad, errors.candidate_requests, errors.candidate_bad) == (
        9_500,
        48,
        500,
        30,
    )
    assert errors.evidence > errors.evidence_needed == pytest.approx(100)
    assert errors.excess == pytest.approx(0.06 - 48 / 9_500)
    assert errors.proof is not None
    assert errors.proof < errors.proof_needed == pytest.approx(20)
    assert figures[RolloutMetric.LATENCY].proof is figures[RolloutMetric.LATENCY].margin is None


counts = st.integers(0, 300).flatmap(
    lambda stable: st.integers(0, 40).flatmap(
        lambda candidate: st.builds(
            Tally, st.just(stable), st.integers(0, stable), st.just(candidate), st.integers(0, candidate)
        )
    )
)


@given(st.lists(st.tuples(counts, counts, st.integers(0, 3)), max_size=8))
def test_the_state_survives_being_stored(ticks: list[tuple[Tally, Tally, int]]) -> None:
    """As JSON and back it is the same, and judges the same; it stays below 10 kB."""
    scores = ScoreShift.at_start(np.full(40, 9))
    evidence = RolloutEvidence.at_start(DEFAULT_GUARDS, scores=scores)
    for errors, latency, hour in ticks:
        tick = replace(
            a_tick(errors, hour=hour, latency=latency),
            candidate_environments=environments(*[1] * 12, requests=9),
            scores=(scores.grouped(np.full(40, 9)), scores.grouped(np.arange(40))),
        )
        evidence = observe(evidence, tick)
    stored = json.dumps(asdict(evidence))
    assert len(stored) < 10_000
    assert TypeAdapter(RolloutEvidence).validate_json(stored) == evidence


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=8))
def test_simulated_rollouts_are_judged_the_same(ticks: list[tuple[Tally, Tally]]) -> None:
    """The simulation along a leading axis comes to the verdicts and numbers of the judgement of one rollout."""
    guards = [ERRORS, Guard(RolloutMetric.LATENCY)]
    evidence = RolloutEvidence.at_start(guards, stable_past=PAST)
    many = SimulatedRollouts.at_start(
        (0.05, 0.25, 1.0), guards, 2, stable_past={metric: (float(n), float(x)) for metric, (n, x) in PAST.items()}
    )
    for hour, (errors, latency) in enumerate(ticks):
        strata = {RolloutMetric.ERRORS: errors, RolloutMetric.LATENCY: latency}
        evidence = observe(evidence, Tick(hour, 0.25, {metric: (tally,) for metric, tally in strata.items()}))
        many = many.observed({metric: np.tile(tally.counts, (2, 1)) for metric, tally in strata.items()}, hour=hour)
        found = judge(evidence, weight=0.05, next_weight=0.25)
        assert many.convicted.tolist() == [found.verdict is Verdict.ROLL_BACK] * 2
        if evidence.metrics[0].against.total.candidate_requests and evidence.metrics[0].against.total.stable_requests:
            assert many.proven.tolist() == [found.verdict is Verdict.ADVANCE] * 2
        for one, watched in zip(many.metrics, evidence.metrics, strict=True):
            assert one.log_e[1] == pytest.approx(watched.against.log_e, abs=1e-9)
            assert one.excess[0] == pytest.approx(watched.against.excess, abs=1e-12)
    assert many.metrics[0].log_proof[0] == pytest.approx(evidence.metrics[0].proof(0.25).log_e, abs=1e-9)


def test_simulated_rollouts_advance_and_leave_alone() -> None:
    """Those that advance begin a proof anew at the next weight; those that are left keep theirs."""
    many = SimulatedRollouts.at_start((0.05, 0.25, 1.0), DEFAULT_GUARDS, 3)
    assert many.weight.tolist() == [0.05] * 3
    assert many.next_weight.tolist() == [0.25] * 3
    counts = {guard.metric: np.tile(GOOD.counts, (3, 1)) for guard in DEFAULT_GUARDS}
    many = many.observed(counts, hour=0).observed(counts, hour=1)
    moved = many.advanced(np.array([True, False, True]))
    assert moved.weight.tolist() == [0.25, 0.05, 0.25]
    assert moved.metrics[0].log_proof[0] == 0
    left = moved.kept(np.array([False, True, True]))
    assert left.step.tolist() == [0, 1]
    assert left.metrics[0].log_proof[0] == many.metrics[0].log_proof[1] > 0
    assert left.next_weight.tolist() == [0.25, 1.0]
