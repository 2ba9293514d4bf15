"""How far shares stray by chance: told rightly on independent rows, and on rows that are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.chance import (
    chance_of,
    chi_squared,
    f_survival,
    independent,
    noise_between,
    noise_of_pairs,
    noise_within,
)

SHARES = np.array([0.05, 0.15, 0.3, 0.3, 0.2])
Counts = npt.NDArray[np.int64]


def bursty(seed: int, periods: int, rows: int, spread: float) -> Counts:
    """Return periods whose shares wander on their own, [periods, groups]."""
    chance = np.random.default_rng(seed)
    shares = SHARES * np.exp(spread * chance.normal(size=(periods, 1)) * np.arange(-2, 3))
    return np.array([chance.multinomial(rows, each / each.sum()) for each in shares])


@pytest.mark.parametrize("value", [0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize(("above", "below"), [(1.0, 7.0), (1.3, 23.5), (9.0, 200.0), (12.0, 11.0)])
def test_the_tail_of_f_is_scipys(value: float, above: float, below: float) -> None:
    """To ten digits, far out as well."""
    assert float(f_survival(*map(np.array, (value, above, below)))) == pytest.approx(
        stats.f.sf(value, above, below), rel=1e-10
    )


@pytest.mark.parametrize(("value", "above"), [(1.0, 3.0), (21.0, 1.0), (5.0, 9.0)])
def test_without_uncertainty_it_is_chi_squareds(value: float, above: float) -> None:
    """Infinitely many degrees of freedom."""
    assert float(f_survival(*map(np.array, (value, above, np.inf)))) == pytest.approx(
        stats.chi2.sf(value * above, above), rel=1e-3
    )


@pytest.mark.parametrize("seed", range(5))
def test_chi_squared_is_scipys(seed: int) -> None:
    """Of a table of two samples; groups that neither has do not count."""
    chance = np.random.default_rng(seed)
    one, two = chance.integers(1, 50, 8), chance.integers(1, 500, 8)
    found = chi_squared(np.append(one, 0), np.append(two, 0))
    expected = stats.chi2_contingency(np.array([one, two]), correction=False)
    assert found[0] == pytest.approx(expected.statistic)
    assert found[1] == expected.dof
    assert chance_of(one, two, independent(8)) == pytest.approx(expected.pvalue, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("learn", [noise_within, noise_between])
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_false_alarms_are_as_rare_as_told_whether_rows_are_independent_or_not(learn: object, spread: float) -> None:
    """Of 300 windows, about 5 % seem less likely than 5 %; taken for independent rows, far more do."""
    naive, heeded = 0, 0
    reference = bursty(1, 4_000, 100, spread).sum(axis=0)
    for seed in range(300):
        if learn is noise_within:
            periods = bursty(10_000 + seed, 24, 100, spread)
            live, noise = periods.sum(axis=0), noise_within(periods)
        else:
            live = bursty(10_000 + seed, 1, 2_400, spread)[0]
            noise = noise_between(bursty(20_000 + seed, 28, 2_400, spread))
        heeded += bool(chance_of(reference, live, noise) < 0.05)
        naive += bool(chance_of(reference, live, independent(5)) < 0.05)
    assert 0.01 < heeded / 300 < 0.09
    assert (naive / 300 > 0.2) is (spread > 0)


def test_a_step_in_the_window_is_no_noise() -> None:
    """Half a window of another population must not excuse itself."""
    chance = np.random.default_rng(1)
    before, after = (chance.multinomial(100, shares, size=12) for shares in (SHARES, SHARES[::-1]))
    noise = noise_within(np.vstack([before, after]))
    assert noise.design_effect < 4
    assert chance_of(before.sum(axis=0) * 50, np.vstack([before, after]).sum(axis=0), noise) < 1e-6


def test_one_direction_is_told_from_many() -> None:
    """Where a mean moves, all groups move together; the tail is then that of few degrees of freedom."""
    assert noise_between(bursty(1, 200, 5_000, 0.3)).directions < 2
    assert noise_between(bursty(1, 200, 5_000, 0.0)).directions > 3.5


@pytest.mark.parametrize("learn", [noise_within, noise_between])
@pytest.mark.parametrize(
    "periods",
    [
        np.zeros((3, 4), dtype=np.int64),
        np.array([[5, 0, 0, 0]]),
        np.array([[5, 0, 0, 0], [9, 0, 0, 0], [0, 0, 0, 0]]),
    ],
)
def test_what_does_not_vary_has_no_noise(learn: object, periods: Counts) -> None:
    """No rows, one period, or one group: as independent rows."""
    found = noise_within(periods) if learn is noise_within else noise_between(periods)
    assert [float(each) for each in found.figures] == [1.0, 3.0, 1.0, np.inf]


def test_samples_without_rows_are_as_likely_as_any() -> None:
    """No evidence is no alarm."""
    nothing, something = np.zeros(3, dtype=np.int64), np.array([1, 2, 3])
    assert chance_of(nothing, something, independent(3)) == 1.0
    assert chance_of(something, nothing, independent(3)) == 1.0
    assert chance_of(np.array([4, 0, 0]), np.array([9, 0, 0]), independent(3)) == 1.0


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_pairs_of_windows_tell_how_far_one_strays_from_the_other(spread: float) -> None:
    """Of 300 windows held against an earlier one, about 5 % seem less likely than 5 %."""
    beyond = 0
    for seed in range(300):
        windows = bursty(30_000 + seed, 36, 2_400, spread)
        noise = noise_of_pairs(windows[1:29], windows[8:])
        beyond += bool(chance_of(windows[7], windows[0], noise) < 0.05)
    assert 0.01 < beyond / 300 < 0.09


def test_columns_are_judged_together_as_each_alone() -> None:
    """Though some have fewer groups, and one was not counted in all periods."""
    columns = [bursty(seed, 24, 100, 0.1 * seed) for seed in range(4)]
    columns[1][:, 3:] = 0
    columns[2][5:9] = 0
    together = np.stack(columns, axis=1)
    for learn in (noise_within, noise_between, lambda counts: noise_of_pairs(counts[:12], counts[12:])):
        noise = learn(together)
        chances = chance_of(together[:12].sum(axis=0), together[12:].sum(axis=0), noise)
        for at, column in enumerate(columns):
            alone = learn(column)
            assert float(noise.design_effect[at]) == pytest.approx(float(alone.design_effect))
            expected = chance_of(column[:12].sum(axis=0), column[12:].sum(axis=0), alone)
            assert float(chances[at]) == pytest.approx(float(expected))
