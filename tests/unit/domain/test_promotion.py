"""Evidence that a candidate is not worse by more than the margin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.evidence import Tally
from serinus.domain.promotion import PromotionEvidence, log_promotion_increments, nearest_worse

SHARES = st.floats(0.0, 1.0)


def chance(bad: int, requests: int, share: float) -> float:
    """Return the binomial probability."""
    return math.comb(requests, bad) * share**bad * (1 - share) ** (requests - bad)


@given(
    st.integers(0, 7), st.integers(0, 7), st.floats(0.0, 0.7), st.sampled_from([0.005, 0.02, 0.3]), SHARES, st.data()
)
def test_the_expectation_is_at_most_one_where_the_candidate_is_worse(
    stable: int, candidate: int, stable_share: float, difference: float, more: float, data: st.DataObject
) -> None:
    """For any past, and any pair of shares that differ by d or more, a tick's evidence expects at most 1."""
    candidate_share = stable_share + difference + more * (1 - stable_share - difference)
    past_stable, past_candidate = data.draw(st.integers(1, 500)), data.draw(st.integers(0, 500))
    past = np.array(
        [
            past_stable,
            data.draw(st.integers(0, past_stable)),
            past_candidate,
            data.draw(st.integers(0, past_candidate)),
        ],
        dtype=float,
    )
    expected = sum(
        chance(i, stable, stable_share)
        * chance(j, candidate, candidate_share)
        * math.exp(
            log_promotion_increments(np.array([stable, i, candidate, j], dtype=float), past, np.array(difference))
        )
        for i in range(stable + 1)
        for j in range(candidate + 1)
    )
    assert expected <= 1 + 1e-6


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.floats(1e-7, 1 - 1e-7),
    st.floats(0.0, 1.0),
    st.sampled_from([0.005, 0.02, 0.5]),
)
def test_the_nearest_pair_is_a_root_or_the_edge(
    stable: int, candidate: int, stable_share: float, closeness: float, difference: float
) -> None:
    """What is found lies between qB − d and qA, and the derivative changes sign there."""
    candidate_share = min(closeness * (stable_share + 0.9 * difference), 1 - 1e-9)
    a = float(
        nearest_worse(
            np.array(stable),
            np.array(candidate),
            np.array(stable_share),
            np.array(candidate_share),
            np.array(difference),
        )
    )
    assert max(candidate_share - difference, 0) - 1e-9 <= a <= min(stable_share, 1 - difference) + 1e-9

    def slope(at: float) -> float:
        b = at + difference
        return stable * (at - stable_share) / (at * (1 - at)) + candidate * (b - candidate_share) / (b * (1 - b))

    step = 1e-6 * max(a, 1e-6)
    if stable and candidate and step < a < 1 - difference - step:
        assert slope(a - step) <= 1e-3 * (stable + candidate)
        assert slope(a + step) >= -1e-3 * (stable + candidate)


def test_bad_requests_of_the_candidate_speak_against_it() -> None:
    """Evidence falls with each bad request of the candidate's, and rises with each of stable's."""
    past, d = np.array([50_000.0, 250, 2_000, 10]), np.array(0.02)
    by_candidate = log_promotion_increments(np.array([[900.0, 4, 100, bad] for bad in range(6)]), past, d)
    by_stable = log_promotion_increments(np.array([[900.0, bad, 100, 1] for bad in range(6)]), past, d)
    assert np.all(np.diff(by_candidate) < 0)
    assert np.all(np.diff(by_stable) > 0)


@pytest.mark.parametrize("stable_bad", [0, 1_000])
def test_extreme_histories_leave_it_finite(stable_bad: int) -> None:
    """A stable that never failed, or always did, zeroes nothing for ever."""
    evidence = PromotionEvidence(0.005).observed(Tally(100, 1, 100, 1), history=Tally(1_000, stable_bad, 0, 0))
    assert math.isfinite(evidence.log_e)


def test_without_a_past_there_is_no_evidence() -> None:
    """The first tick only teaches what stable is like, where nothing is known of before."""
    first = PromotionEvidence(0.02).observed(Tally(100, 1, 100, 1), history=Tally(0, 0, 0, 0))
    assert first.log_e == 0
    assert first.total == Tally(100, 1, 100, 1)


def test_a_new_difference_begins_anew() -> None:
    """Evidence for one step's margin is none for another's; for the same it is kept."""
    evidence = PromotionEvidence(0.02).observed(Tally(100, 1, 100, 1), history=Tally(1_000, 5, 0, 0))
    assert evidence.at_difference(0.02) is evidence
    assert evidence.at_difference(0.01) == PromotionEvidence(0.01)


def test_much_evidence_is_infinite_and_no_error() -> None:
    """What a float cannot hold is infinite."""
    assert PromotionEvidence(0.02, log_e=800).e_value == math.inf
