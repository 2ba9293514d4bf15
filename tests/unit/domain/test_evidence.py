"""Evidence that a candidate is worse: valid, exact, and the same in whichever way it is computed."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.evidence import Difference, Floats, MetricEvidence, Tally, grid, log_increments, stake
from serinus.domain.guard import ODDS_RATIOS

REQUESTS = st.integers(0, 12)


@st.composite
def tallies(draw: st.DrawFn, most: int = 60) -> Tally:
    """Any tick."""
    stable, candidate = draw(st.integers(0, most)), draw(st.integers(0, most))
    return Tally(stable, draw(st.integers(0, stable)), candidate, draw(st.integers(0, candidate)))


def a_row(tally: Tally) -> Floats:
    """Return a tick as the functions on arrays take it."""
    return tally.counts[None, :]


def chances(stable: int, bad: int, candidate: int, ratio: Fraction) -> dict[int, Fraction]:
    """Return how likely each number of the candidate's bad requests is at an odds ratio, exactly."""
    possible = range(max(0, bad - stable), min(bad, candidate) + 1)
    masses = {j: math.comb(bad, j) * math.comb(stable + candidate - bad, candidate - j) * ratio**j for j in possible}
    whole = sum(masses.values())
    return {j: mass / whole for j, mass in masses.items()}


def log_exact(tally: Tally, tolerance: float) -> list[float]:
    """Return ln e of each odds ratio of the grid by exact fractions."""
    bad = tally.stable_bad + tally.candidate_bad
    found = []
    for ratio in grid(tolerance):
        null, against = (
            chances(tally.stable_requests, bad, tally.candidate_requests, Fraction(psi))[tally.candidate_bad]
            for psi in (tolerance, float(ratio))
        )
        e = against / null
        found.append(math.log(e.numerator) - math.log(e.denominator))
    return found


def log_naive(tally: Tally, tolerance: float) -> list[float]:
    """Return the same by a sum over every term, in logarithms."""
    stable, candidate, bad = tally.stable_requests, tally.candidate_requests, tally.stable_bad + tally.candidate_bad

    def log_sum(ratio: float) -> float:
        logs = [
            j * math.log(ratio) - sum(math.lgamma(n + 1) for n in (j, bad - j, candidate - j, stable - bad + j))
            for j in range(max(0, bad - stable), min(bad, candidate) + 1)
        ]
        return max(logs) + math.log(math.fsum(math.exp(log - max(logs)) for log in logs))

    null = tally.candidate_bad * math.log(tolerance) - log_sum(tolerance)
    return [tally.candidate_bad * math.log(ratio) - log_sum(ratio) - null for ratio in grid(tolerance).tolist()]


@given(REQUESTS, REQUESTS, st.data(), st.sampled_from([1.0, 1.2, 2.0]), st.sampled_from([1.0, 0.7, 0.2]))
def test_the_expectation_under_the_null_is_at_most_one(
    stable: int, candidate: int, data: st.DataObject, tolerance: float, better: float
) -> None:
    """For every count, candidate's odds at the tolerance give expectation 1, and lower odds no more."""
    bad = data.draw(st.integers(0, stable + candidate))
    likely = chances(stable, bad, candidate, Fraction(tolerance) * Fraction(better))
    e = {j: np.exp(log_increments(a_row(Tally(stable, bad - j, candidate, j)), tolerance))[0] for j in likely}
    expected = sum(float(chance) * e[j] for j, chance in likely.items())
    assert np.all(expected <= 1 + 1e-9)
    if better == 1:
        assert expected == pytest.approx(np.ones(grid(tolerance).size))


@given(tallies(), st.sampled_from([1.0, 1.2, 10.0]))
def test_increments_are_exact(tally: Tally, tolerance: float) -> None:
    """They agree with exact fractions."""
    assert log_increments(a_row(tally), tolerance)[0] == pytest.approx(log_exact(tally, tolerance), abs=1e-9)


@pytest.mark.parametrize(
    "tally",
    [
        Tally(600, 280, 500, 260),
        Tally(900, 500, 800, 799),
        Tally(50, 49, 900, 700),
        Tally(2_000, 150, 300, 100),
        Tally(260, 250, 1_500, 0),
        Tally(1_000, 999, 1_000, 4),
    ],
)
def test_many_terms_are_summed_as_exactly(tally: Tally) -> None:
    """Ticks with more terms than are summed whole agree with a sum over every term."""
    assert log_increments(a_row(tally), 1.2)[0] == pytest.approx(log_naive(tally, 1.2), abs=1e-8)


def test_ten_million_requests_are_one_tick() -> None:
    """Numbers that no factorial of a float could hold give finite evidence, and in the right direction."""
    worse = MetricEvidence.at_start(tolerance=1.0).observed([Tally(9_500_000, 47_500, 500_000, 3_000)], hour=0)
    equal = MetricEvidence.at_start(tolerance=1.0).observed([Tally(9_500_000, 47_500, 500_000, 2_500)], hour=0)
    broken = MetricEvidence.at_start(tolerance=1.0).observed([Tally(5_000_000, 0, 5_000_000, 5_000_000)], hour=0)
    share = (
        0.05 * 1.35 / (0.95 + 0.05 * 1.35)
    )  # of the bad requests, which the candidate gets at an odds ratio of 1.35
    binomial = 3_000 * math.log(share / 0.05) + 47_500 * math.log((1 - share) / 0.95)
    assert worse.log_e == pytest.approx(binomial - math.log(24), abs=1)
    assert equal.log_e < 0
    assert broken.e_value == math.inf
    assert math.isfinite(broken.log_e)


@given(st.integers(1, 40), st.integers(1, 40), st.data(), st.sampled_from([1.0, 1.2]))
def test_evidence_rises_with_the_excess(stable: int, candidate: int, data: st.DataObject, tolerance: float) -> None:
    """Of as many bad requests, more by the candidate are more evidence against it."""
    bad = data.draw(st.integers(0, stable + candidate))
    possible = range(max(0, bad - stable), min(bad, candidate) + 1)
    found = [
        MetricEvidence.at_start(tolerance=tolerance).observed([Tally(stable, bad - j, candidate, j)], hour=0).log_e
        for j in possible
    ]
    assert np.all(np.diff(found) > -1e-12)


@given(st.lists(tallies(), max_size=6), st.randoms())
def test_order_within_an_hour_does_not_matter(ticks: list[Tally], random: object) -> None:
    """The same ticks in another order are the same evidence, as are they in one tick of several strata."""
    shuffled = list(ticks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' Random
    one, other = MetricEvidence.at_start(tolerance=1.0), MetricEvidence.at_start(tolerance=1.0)
    for tally in ticks:
        one = one.observed([tally], hour=2)
    for tally in shuffled:
        other = other.observed([tally], hour=2)
    at_once = MetricEvidence.at_start(tolerance=1.0).observed(ticks, hour=2)
    assert other.log_e == pytest.approx(one.log_e)
    assert at_once.log_e == pytest.approx(one.log_e)
    assert other.total == at_once.total == one.total
    assert other.excess == pytest.approx(one.excess)


def test_what_lies_on_one_side_alone_says_nothing() -> None:
    """Without requests to both releases, without bad or without good ones, E stays 1."""
    evidence = MetricEvidence.at_start(tolerance=1.0)
    for tally in (Tally(0, 0, 9, 9), Tally(9, 9, 0, 0), Tally(9, 0, 9, 0), Tally(9, 9, 9, 9), Tally(0, 0, 0, 0)):
        evidence = evidence.observed([tally], hour=0)
    assert evidence.e_value == pytest.approx(1)
    assert evidence.observed([], hour=5).e_value == pytest.approx(1)


def test_a_late_fault_is_not_held_up_by_good_hours() -> None:
    """After ten good hours a fault is found in at most twice the time it takes from the start."""

    def minutes_until_found(good_hours: int) -> int:
        evidence = MetricEvidence.at_start(tolerance=1.0)
        for minute in range(good_hours * 60):
            evidence = evidence.observed([Tally(1_900, 10, 100, 1 if minute % 2 else 0)], hour=minute // 60)
        for minute in range(60):
            evidence = evidence.observed([Tally(1_900, 10, 100, 2)], hour=good_hours + minute // 60)
            if evidence.log_e > math.log(100):
                return minute + 1
        raise AssertionError

    assert minutes_until_found(10) <= 2 * minutes_until_found(0)


def test_a_late_fault_shows_in_the_excess() -> None:
    """The excess is that of the last hours where it is larger than the whole rollout's."""
    evidence = MetricEvidence.at_start(tolerance=1.0)
    for hour in range(20):
        evidence = evidence.observed([Tally(9_000, 45, 1_000, 5)], hour=hour)
    evidence = evidence.observed([Tally(9_000, 45, 1_000, 25)], hour=20)
    assert evidence.excess == pytest.approx(0.01)
    assert evidence.observed([], hour=22).excess == pytest.approx(0.02 / 21)


def test_a_tick_that_comes_late_counts_in_the_hour_reached() -> None:
    """An hour earlier than the last one takes back no stake."""
    evidence = MetricEvidence.at_start(tolerance=1.0).observed([Tally(9, 1, 9, 2)], hour=4)
    assert evidence.observed([Tally(9, 1, 9, 2)], hour=1).staked == stake(4)


@given(st.integers(0, 10_000))
def test_the_stake_is_never_spent(hour: int) -> None:
    """What is staked rises and stays below 1, however long a rollout takes."""
    assert stake(hour) < stake(hour + 1) < 1


@given(tallies())
def test_releases_that_swap_places_swap_the_difference(tally: Tally) -> None:
    """The difference is antisymmetric."""
    swapped = Tally(tally.candidate_requests, tally.candidate_bad, tally.stable_requests, tally.stable_bad)
    assert Difference().observed(swapped).share == pytest.approx(-Difference().observed(tally).share)


def test_impossible_counts_are_refused() -> None:
    """More bad requests than requests are a mistake of the caller's."""
    with pytest.raises(ValueError, match="more bad requests"):
        Tally(1, 2, 0, 0)


def test_the_grid_lies_above_the_tolerance() -> None:
    """A ratio within the tolerance is nothing to look for."""
    assert grid(1.0).tolist() == list(ODDS_RATIOS)
    assert grid(1.6).min() == 2.0
