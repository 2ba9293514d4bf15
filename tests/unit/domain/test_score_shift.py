"""The shift of scores between two releases: valid under equality, and never a reason to roll back."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from serinus.domain.bins import Counts
from serinus.domain.score_shift import ScoreShift, ascending
from tests.builders import a_layout


def histogram(random: np.random.Generator, rows: int, shift: float = 0.0) -> Counts:
    """Return logistic scores in 100 bins, shifted by so many logits."""
    scores = 1 / (1 + np.exp(-(random.normal(-1, 1, rows) + shift)))
    return np.histogram(scores, 100, (0, 1))[0].astype(np.int64)


def test_the_expectation_under_equality_is_at_most_one() -> None:
    """Whatever distribution both releases share, a tick's evidence expects at most 1."""
    start = ScoreShift.at_start(np.array([5, 3, 9]))
    for shares in ([0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [0.01, 0.01, 0.98]):
        expected = 0.0
        for draws in product(range(3), repeat=5):  # three requests to stable, two to the candidate
            state = start.observed(np.bincount(draws[:3], minlength=3), np.bincount(draws[3:], minlength=3))
            expected += float(np.prod([shares[bin_] for bin_ in draws])) * np.exp(state.log_e)
        assert expected <= 1 + 1e-9


def test_a_shift_is_found_and_equality_is_not() -> None:
    """Scores 0.3 logits higher are found in minutes; equal ones are not in as many."""
    random = np.random.default_rng(3)
    start = ScoreShift.at_start(histogram(random, 10_000))
    equal, shifted = start, start
    for _ in range(60):
        equal = equal.observed(histogram(random, 190), histogram(random, 10))
        shifted = shifted.observed(histogram(random, 190), histogram(random, 10, shift=0.5))
    assert equal.log_e < np.log(20)
    assert shifted.log_e > np.log(100)


@pytest.mark.parametrize(("shift", "beyond"), [(0.0, False), (0.3, False), (1.2, True)])
def test_a_tolerance_lets_small_shifts_pass(shift: float, beyond: bool) -> None:
    """A policy that tolerates half a standard deviation is told of more, not of less."""
    random = np.random.default_rng(4)
    state = ScoreShift.at_start(histogram(random, 50_000), tolerance=0.5)
    for _ in range(60):
        state = state.observed(histogram(random, 950), histogram(random, 50, shift=shift))
    assert (state.log_e_beyond > math.log(20)) is beyond


def test_no_requests_are_no_evidence() -> None:
    """A tick without scores changes nothing."""
    state = ScoreShift.at_start(np.array([5, 3, 9]))
    assert state.observed(np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)) == state
    assert state.log_e_beyond == 0


@pytest.mark.parametrize("past", [[0, 0, 0], [0, 7, 0]])
def test_a_past_without_spread_is_survived(past: list[int]) -> None:
    """A stable that always scored the same, or was never asked, gives finite evidence."""
    state = ScoreShift.at_start(np.array(past)).observed(np.array([1, 2, 3]), np.array([3, 2, 1]))
    assert np.isfinite(state.log_e)


def test_histograms_leave_out_what_is_missing() -> None:
    """A profile's score section loses the slot of missing scores, and keeps below and above in their places."""
    bins = a_layout().score
    slots = np.arange(bins.width)
    assert ascending(slots).tolist() == list(range(1, bins.width))


def test_scores_above_all_that_stable_gave_are_a_shift_upwards() -> None:
    """Where stable's past leaves the highest bins empty, what falls there lies high, not low."""
    past = np.zeros(60, dtype=np.int64)
    past[10:50] = 50
    scores = np.zeros(60, dtype=np.int64)
    scores[45:60] = 5
    start = ScoreShift.at_start(past, tolerance=0.1)
    assert len(start.starts) == 20
    shift = start.observed(np.zeros(60, dtype=np.int64), scores)
    beyond = np.array(shift.log_beyond)
    assert shift.log_e_beyond > 20
    assert beyond[:4].min() > 0 > beyond[4:].max()
