"""Distances from counts agree with SciPy's from rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy has no types
from scipy.spatial import distance  # type: ignore[import-untyped]  # scipy has no types
from scipy.special import rel_entr  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.bins import NumericBins
from serinus.domain.distances import (
    cramers_v,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    wasserstein,
)

EDGES = tuple(float(edge) for edge in np.linspace(-4, 6, 2_001))
BINS = NumericBins("x", EDGES)
COUNTS = st.lists(st.integers(0, 1_000), min_size=5, max_size=5).filter(any)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (0.3, 1.0), (0.0, 1.6), (2.0, 0.5)])
def test_distances_of_numbers_are_scipys_to_the_width_of_a_bin(seed: int, mean: float, spread: float) -> None:
    """KS and Wasserstein, on bins of 0.005 standard deviations."""
    chance = np.random.default_rng(seed)
    one = np.clip(chance.normal(size=2_000), -4, 6)
    two = np.clip(chance.normal(mean, spread, size=1_500), -4, 6)
    before, after = (np.bincount(BINS.slots(values), minlength=BINS.width)[1:] for values in (one, two))
    assert kolmogorov_smirnov(before, after) == pytest.approx(stats.ks_2samp(one, two).statistic, abs=5e-3)
    expected = stats.wasserstein_distance(one, two) / one.std()
    assert wasserstein(np.array(EDGES), before, after) == pytest.approx(expected, abs=3e-3)


@given(one=COUNTS, two=COUNTS)
def test_distances_are_symmetric_and_bounded_and_nought_for_equals(one: list[int], two: list[int]) -> None:
    """Whatever was counted."""
    before, after = np.array(one), np.array(two)
    for measure in (jensen_shannon, hellinger, cramers_v, kolmogorov_smirnov):
        assert measure(before, after) == pytest.approx(measure(after, before), abs=1e-7)
        assert 0 <= measure(before, after) <= 1 + 1e-12
        assert measure(before, before) == pytest.approx(0, abs=1e-7)
    assert psi(before, after) == pytest.approx(psi(after, before))
    assert psi(before, after) >= 0


def test_hellinger_is_the_norm_of_the_roots() -> None:
    """‖√p − √q‖ / √2."""
    p, q = np.array([1, 2, 7]) / 10, np.array([4, 4, 2]) / 10
    expected = np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2)
    assert hellinger(np.array([1, 2, 7]), np.array([4, 4, 2])) == pytest.approx(float(expected))


def test_what_does_not_vary_has_no_wasserstein_distance() -> None:
    """There is no spread to measure by."""
    constant = np.array([3.0, 3.0])
    assert np.isnan(wasserstein(constant, np.array([0, 9, 0]), np.array([5, 4, 0])))


def test_cumulative_shares_that_cross_within_a_bin_are_integrated_exactly() -> None:
    """|F − G| is two triangles there, and not their difference."""
    edges = np.array([0.0, 1.0])
    before, after = np.array([5, 0, 5]), np.array([0, 10, 0])
    grid = np.linspace(0, 1, 100_001)
    expected = np.trapezoid(np.abs(0.5 - grid), grid) / 0.5
    assert wasserstein(edges, before, after) == pytest.approx(float(expected), rel=1e-4)


def test_nothing_is_nowhere() -> None:
    """Empty samples give numbers, not errors."""
    nothing = np.zeros(4, dtype=np.int64)
    assert [float(each(nothing, nothing)) for each in (psi, cramers_v, kolmogorov_smirnov)] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(10))
def test_psi_and_jensen_shannon_agree_with_scipy(seed: int) -> None:
    """PSI is the sum of both relative entropies; the distance is scipy's with base 2, both of smoothed shares."""
    chance = np.random.default_rng(seed)
    one, two = chance.integers(0, 200, 12), chance.integers(0, 900, 12)
    p, q = (one + 0.5) / (one + 0.5).sum(), (two + 0.5) / (two + 0.5).sum()
    assert psi(one, two) == pytest.approx(float(np.sum(rel_entr(p, q) + rel_entr(q, p))))
    assert jensen_shannon(one, two) == pytest.approx(float(distance.jensenshannon(p, q, base=2)))


def test_empty_bins_keep_the_numbers_finite() -> None:
    """A bin that only one side has is far away, not infinitely far."""
    assert np.isfinite(psi(np.array([0, 1_000]), np.array([1_000, 0])))
    assert jensen_shannon(np.array([0, 10**9]), np.array([10**9, 0])) <= 1.0
