"""Drift: found where there is some, and not found where there is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial import distance  # type: ignore[import-untyped]  # scipy has no types
from scipy.special import rel_entr  # type: ignore[import-untyped]  # scipy has no types

from serinus.domain.drift import DriftReport, compare, jensen_shannon, psi
from serinus.domain.policy import DriftLimits
from serinus.domain.profile import Profile, layout_from, of_rows
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table
from tests.builders import a_signature, a_table, scores_of

LIMITS = DriftLimits(minimum_rows=500)
FLAG = Signature((InputTensor("X", Datatype.FP32, ("x",)),), (), Score("p"))


def report(reference: Table, live: Table, limits: DriftLimits = LIMITS) -> DriftReport:
    """Compare two tables of the usual features."""
    layout = layout_from(a_signature(), reference, scores_of(reference))
    return compare(of_rows(layout, reference, scores_of(reference)), of_rows(layout, live, scores_of(live)), limits)


def report_of(reference: npt.NDArray[np.float64], live: npt.NDArray[np.float64]) -> DriftReport:
    """Compare two columns of one number; the score stays."""
    layout = layout_from(FLAG, Table({"x": reference}), np.full(len(reference), 0.5))
    before = of_rows(layout, Table({"x": reference}), np.full(len(reference), 0.5))
    return compare(before, of_rows(layout, Table({"x": live}), np.full(len(live), 0.5)), LIMITS)


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


@pytest.mark.parametrize(("reference", "live"), [(500, 500), (5_000, 500), (500, 5_000)])
def test_samples_of_one_population_do_not_drift(reference: int, live: int) -> None:
    """At the customary limits, no feature and no score drifts by chance in 200 samples of 500 rows or more."""
    worst = 0.0
    for seed in range(200):
        found = report(a_table(reference, seed=2 * seed), a_table(live, seed=2 * seed + 1))
        assert found.enough
        assert not found.drifted
        assert found.score is not None
        worst = max(worst, found.score.psi, *(shift.psi for shift in found.features))
    assert worst < 0.15


@pytest.mark.parametrize("seed", range(5))
def test_a_population_that_moved_is_found(seed: int) -> None:
    """Half a standard deviation and more is found in the feature that moved, and only there."""
    found = report(a_table(2_000, seed=seed), a_table(1_000, seed=seed + 50, shift=0.8))
    assert found.drifted
    assert [shift.name for shift in found.features if shift.drifted] == ["amount"]


def test_a_constant_that_starts_to_vary_is_found() -> None:
    """A feature without any variance has one bin, and leaving it is drift."""
    assert report_of(np.full(1_000, 3.0), np.linspace(2.99, 3.01, 1_000)).drifted
    assert not report_of(np.full(1_000, 3.0), np.full(1_000, 3.0)).drifted


def test_a_nearly_constant_column_that_starts_to_vary_is_found() -> None:
    """One outlier in the reference does not hide what happens between it and the rest."""
    assert report_of(np.array([0.0] * 999 + [1_000.0]), np.full(1_000, 5.0)).drifted


def test_a_flag_that_flips_is_found() -> None:
    """A binary feature that is 1 in nine rows of ten instead of one has drifted."""
    before, after = np.array([0.0] * 900 + [1.0] * 100), np.array([0.0] * 100 + [1.0] * 900)
    assert report_of(before, after).drifted
    assert not report_of(before, before).drifted


def test_values_that_go_missing_are_found() -> None:
    """A fifth of the rows without a value is drift, though the others are as before."""
    reference = np.random.default_rng(0).normal(size=2_000)
    live = np.where(np.arange(2_000) % 5 == 0, np.nan, reference)
    assert report_of(reference, live).drifted


def test_categories_never_seen_are_found() -> None:
    """Texts the reference does not know count as `other`, and enough of them are drift."""
    reference = a_table(1_000)
    mauve = np.array(["mauve"] * 1_000, dtype=object)
    found = report(reference, Table({**a_table(1_000, seed=4).columns, "colour": mauve}))
    assert [shift.name for shift in found.features if shift.drifted] == ["colour"]


def test_too_few_rows_say_nothing() -> None:
    """Below the minimum there is no judgement, however far the few rows lie."""
    found = report(a_table(1_000), a_table(499, seed=1, shift=9.0))
    assert (found.rows, found.enough, found.drifted, found.score) == (499, False, False, None)


def test_as_many_features_must_drift_as_the_policy_says() -> None:
    """With `features = 2`, one feature alone is no drift; the score alone is."""
    limits = DriftLimits(minimum_rows=500, features=2)
    reference = a_table(1_000)
    older = Table({**a_table(1_000, seed=3).columns, "age": np.full(1_000, 89.0)})
    assert not report(reference, older, limits).drifted
    assert report(reference, a_table(1_000, seed=3, shift=2.0), limits).drifted


def test_features_that_were_not_logged_are_not_compared() -> None:
    """Where the policy logs no inputs, only the score can drift."""
    reference = a_table(1_000)
    layout = layout_from(a_signature(), reference, scores_of(reference))
    live = a_table(1_000, seed=5)
    slots = layout.row_slots(Table({}), scores_of(live))
    unseen = Profile(layout, np.bincount(slots, minlength=layout.size).astype(np.int64))
    found = compare(of_rows(layout, reference, scores_of(reference)), unseen, LIMITS)
    assert (found.enough, found.drifted, found.features) == (True, False, ())
