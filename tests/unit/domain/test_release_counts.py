"""Requests counted by tick, each once, whatever the log delivered how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.environments import EnvironmentMinute
from serinus.domain.prediction import Crash, Prediction, counted
from serinus.domain.profile import ProfilePart, of_parts
from serinus.domain.release_counts import CountingRules, ReleaseCounts, count_ticks
from serinus.domain.rollout_plan import BadOutcome
from tests.builders import NOON, a_layout, a_prediction

LAYOUT = a_layout()
EDGES = [NOON + timedelta(minutes=minute) for minute in range(4)]
RULES = CountingRules(slow_from_ms=10.0, outcome=BadOutcome(score_at_least=0.5))


def a_part(predictions: Sequence[Prediction], *, crashes: Sequence[Crash] = (), stream: str = "s") -> ProfilePart:
    """Return what one delivery counts."""
    return ProfilePart(
        LAYOUT.digest, stream, (*counted(predictions, LAYOUT), *(crash.counted(LAYOUT) for crash in crashes))
    )


def answered(
    request: str,
    *,
    seconds: float = 0,
    latency_ms: float = 2.0,
    status: int = 200,
    scores: tuple[float, ...] = (0.1,),
) -> Prediction:
    """Return a logged request so many seconds after noon."""
    at = NOON + timedelta(seconds=seconds)
    prediction = replace(a_prediction(request, at=at, status=status), latency_ms=latency_ms)
    return replace(prediction, features=None, scores=np.array(scores if status < 400 else ()))


def one(parts: Sequence[ProfilePart], rules: CountingRules = RULES) -> ReleaseCounts:
    """Count the first minute."""
    return count_ticks(LAYOUT, parts, EDGES[:2], rules)[0]


def test_each_kind_of_bad_request_is_counted() -> None:
    """Failures, refusals, slow answers and bad outcomes, each of the requests that can have it."""
    found = one(
        [
            a_part(
                [
                    answered("fine"),
                    answered("slow", latency_ms=11.0),
                    answered("refused", status=400),
                    answered("failed", status=500, latency_ms=50.0),
                    answered("flagged", scores=(0.1, 0.7)),
                ],
                crashes=[Crash("crashed", NOON)],
            )
        ]
    )
    assert (found.requests, found.failures, found.refusals) == (6, 2, 1)
    assert (found.timed, found.slow) == (5, 2)
    assert (found.scored, found.outcomes) == (3, 1)


def test_a_bad_outcome_may_be_a_low_score() -> None:
    """Rows without a score have no outcome."""
    part = a_part([answered("low"), answered("high", scores=(0.9,)), answered("none", scores=(float("nan"),))])
    assert one([part], CountingRules(10.0, BadOutcome(score_at_most=0.5))).outcomes == 1
    assert one([part], CountingRules(10.0)).outcomes == 0


def test_requests_belong_to_the_tick_they_were_asked_in() -> None:
    """The first instant of a tick is in it, that of the next is not; what lies outside of all is in none."""
    times = [-1, 0, 59.999, 60, 179, 180]
    part = a_part([answered(f"at {seconds}", seconds=seconds) for seconds in times])
    assert [found.requests for found in count_ticks(LAYOUT, [part], EDGES, RULES)] == [2, 1, 1]
    assert [found.requests for found in count_ticks(LAYOUT, [], EDGES, RULES)] == [0, 0, 0]


def test_environments_are_told_apart_by_minute() -> None:
    """An environment is a log stream."""
    parts = [
        a_part([answered("a"), answered("b", status=500)], stream="ill"),
        a_part([answered("c"), answered("d", seconds=61)], stream="sound"),
    ]
    found = count_ticks(LAYOUT, parts, [EDGES[0], EDGES[2]], RULES)[0]
    assert sorted(found.environments, key=str) == [
        EnvironmentMinute("ill", 2, 1),
        EnvironmentMinute("sound", 1, 0),
        EnvironmentMinute("sound", 1, 0),
    ]


def test_what_was_folded_is_of_no_environment() -> None:
    """Its streams are merged: taken for one environment, all that failed in it would seem to gather there."""
    folded = a_part([answered("a", status=500), answered("b", status=500)], stream="")
    found = one([folded, a_part([answered("c")], stream="sound")])
    assert (found.requests, found.failures) == (3, 2)
    assert found.environments == (EnvironmentMinute("sound", 1, 0),)


def test_a_request_that_left_a_record_and_crashed_failed_once() -> None:
    """The platform's word counts for how it ended, and its scores were given all the same."""
    found = one([a_part([answered("r")]), a_part([], crashes=[Crash("r", NOON)])])
    assert (found.requests, found.failures, found.scored) == (1, 1, 1)


def test_another_models_parts_are_passed_over() -> None:
    """Their slots mean something else."""
    other = replace(a_part([answered("r")]), layout_digest="other")
    assert one([other]).requests == 0


@given(st.data())
def test_however_the_log_comes_the_counts_are_those_of_the_profile(data: st.DataObject) -> None:
    """Split at random, delivered twice and shuffled: sums agree with what drift and reports see."""
    statuses = data.draw(st.lists(st.sampled_from([200, 400, 500]), min_size=1, max_size=12))
    requests = [answered(f"r{at}", seconds=13.0 * at, status=status) for at, status in enumerate(statuses)]
    split = data.draw(st.integers(0, len(requests)))
    parts = [a_part(requests[:split]), a_part(requests[split:]), a_part(requests[: split + 1])]
    delivered = data.draw(st.permutations(parts))
    found = count_ticks(LAYOUT, delivered, EDGES, RULES)
    profile = of_parts(LAYOUT, delivered, EDGES[0], EDGES[-1])
    assert sum(tick.requests for tick in found) == profile.requests
    assert sum(tick.failures for tick in found) == profile.failures
    assert np.array_equal(sum(tick.scores for tick in found), profile.scores)
    assert sum(minute.requests for tick in found for minute in tick.environments) == profile.requests
