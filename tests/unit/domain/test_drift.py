"""Drift: found where there is some, and not found where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from serinus.domain.drift import DriftReport, alarm_level, compare
from serinus.domain.layout import layout_from
from serinus.domain.policy import DriftLimits
from serinus.domain.profile import Profile, of_rows
from serinus.domain.seasons import PastWindow
from serinus.domain.shifts import Moved
from serinus.domain.signature import Datatype, InputTensor, Score, Signature
from serinus.domain.table import Table
from tests.builders import a_signature, a_table, scores_of

LIMITS = DriftLimits(minimum_rows=500)
WINDOWS = 9
FLAG = Signature((InputTensor("X", Datatype.FP32, ("x",)),), (), Score("p"))


def days(profiles: Iterable[Profile]) -> list[PastWindow]:
    """Take profiles for those of earlier days, the latest first."""
    return [PastWindow(number, profile) for number, profile in enumerate(profiles, start=1)]


def report(reference: Table, live: Table, limits: DriftLimits = LIMITS, *, known: bool = True) -> DriftReport:
    """Compare two tables of the usual features; with `known`, past windows have shown how far windows stray."""
    layout = layout_from(a_signature(), reference, scores_of(reference))

    def counted(rows: Table) -> Profile:
        return of_rows(layout, rows, scores_of(rows))

    cuts = np.linspace(0, live.rows, 25).astype(int)
    periods = [counted(live.slice(start, stop)) for start, stop in pairwise(cuts.tolist())]
    past = [counted(a_table(1_000, seed=900 + number)) for number in range(WINDOWS if known else 0)]
    return compare(counted(reference), periods, limits, days(past))


def report_of(reference: npt.NDArray[np.float64], live: npt.NDArray[np.float64]) -> DriftReport:
    """Compare two columns of one number; the score stays, and the past was like the reference."""
    layout = layout_from(FLAG, Table({"x": reference}), np.full(len(reference), 0.5))

    def counted(values: npt.NDArray[np.float64]) -> Profile:
        return of_rows(layout, Table({"x": values}), np.full(len(values), 0.5))

    shuffled = np.random.default_rng(0).permutation(live)
    return compare(
        counted(reference),
        [counted(part) for part in np.array_split(shuffled, 24)],
        LIMITS,
        days([counted(reference)] * 9),
    )


@pytest.mark.parametrize(("reference", "live"), [(500, 500), (5_000, 500), (500, 5_000)])
def test_samples_of_one_population_do_not_drift(reference: int, live: int) -> None:
    """No feature and no score drifts by chance in 30 samples of 500 rows or more, and chances are told as chances."""
    chances = []
    for seed in range(30):
        found = report(a_table(reference, seed=2 * seed), a_table(live, seed=2 * seed + 1))
        assert found.enough
        assert not found.drifted
        chances += [shift.chance for shift in found.features]
    assert 0.3 < float(np.mean(chances)) < 0.9


@pytest.mark.parametrize("seed", range(5))
def test_a_population_that_moved_is_found(seed: int) -> None:
    """Half a standard deviation is found in the feature that moved, and only there."""
    found = report(a_table(2_000, seed=seed), a_table(1_000, seed=seed + 50, shift=0.5))
    assert found.drifted
    assert [shift.name for shift in found.features if shift.drifted] == ["amount"]
    (amount,) = [shift for shift in found.features if shift.drifted]
    assert amount.chance < found.level < 1e-5
    assert amount.wasserstein == pytest.approx(0.5, abs=0.15)
    assert amount.kolmogorov_smirnov == pytest.approx(0.2, abs=0.06)


def test_a_large_window_makes_no_drift_of_a_trifle() -> None:
    """A tenth of a standard deviation in 100,000 rows is beyond chance, and of no practical size."""
    found = report(a_table(50_000), a_table(100_000, seed=1, shift=0.1))
    (amount,) = [shift for shift in found.features if shift.name == "amount"]
    assert amount.chance < found.level
    assert not found.drifted


def test_a_small_window_makes_no_drift_of_an_accident() -> None:
    """Fifty rows stray beyond PSI 0.1 by chance alone; none of 40 such windows is drift, and a real shift is."""
    limits = DriftLimits(minimum_rows=30)
    found = [report(a_table(2_000), a_table(50, seed=seed), limits) for seed in range(40)]
    assert max(shift.psi for each in found for shift in each.features) > 0.2
    assert not any(each.drifted for each in found)
    assert report(a_table(2_000), a_table(50, seed=1, shift=3.0), limits).drifted


def test_until_past_windows_tell_how_far_windows_stray_five_times_the_limit_counts() -> None:
    """A shift that may be a Sunday is left alone, one that may not is drift."""
    moderate = report(a_table(2_000), a_table(1_000, seed=1, shift=0.5), known=False)
    assert (moderate.drifted, moderate.past_windows) == (False, 0)
    assert {shift.limit for shift in moderate.features} == {0.5}
    assert report(a_table(2_000), a_table(1_000, seed=1, shift=2.0), known=False).drifted


def test_windows_that_differ_from_day_to_day_excuse_a_window_that_differs_as_much() -> None:
    """The same shift is drift where days were alike, and none where they were not."""
    reference = a_table(4_000)
    layout = layout_from(a_signature(), reference, scores_of(reference))

    def counted(rows: Table) -> Profile:
        return of_rows(layout, rows, scores_of(rows))

    live = [counted(a_table(100, seed=50 + number, shift=0.6)) for number in range(12)]
    alike = [counted(a_table(1_000, seed=number)) for number in range(14)]
    unlike = [counted(a_table(1_000, seed=number, shift=0.6 * (-1) ** number)) for number in range(14)]
    found, excused = (compare(counted(reference), live, LIMITS, days(past)) for past in (alike, unlike))
    assert found.drifted
    assert not excused.drifted
    assert excused.features[0].design_effect > 5 * found.features[0].design_effect


def test_past_windows_of_another_model_count_by_the_features_name() -> None:
    """Its layout is another, its days are the endpoint's; a feature that it did not have has no past."""
    reference, other = a_table(2_000), a_table(500, seed=8).select(["colour", "amount"])
    layout = layout_from(a_signature(), reference, scores_of(reference))
    names = a_signature()
    fewer = Signature(
        (InputTensor("texts", Datatype.BYTES, ("colour",)), InputTensor("numbers", Datatype.FP32, ("amount",))),
        names.outputs,
        names.score,
    )
    old = layout_from(fewer, other, scores_of(other))
    past = [
        of_rows(old, rows.select(["colour", "amount"]), scores_of(rows))
        for rows in (a_table(1_000, seed=number) for number in range(WINDOWS))
    ]
    live = a_table(1_000, seed=1, shift=0.5)
    found = compare(
        of_rows(layout, reference, scores_of(reference)), [of_rows(layout, live, scores_of(live))], LIMITS, days(past)
    )
    assert {shift.name: shift.limit for shift in found.features} == {"amount": 0.1, "age": 0.5, "colour": 0.1}
    assert [shift.name for shift in found.features if shift.drifted] == ["amount"]


def test_false_alarms_granted_a_year_are_shared_by_looks_and_columns() -> None:
    """More looks or more columns, less for each; more granted, more for each."""
    limits = DriftLimits(every_minutes=60, false_alarms_per_year=1.0)
    level = alarm_level(limits, 10)
    assert alarm_level(limits, 20) == pytest.approx(level / 2)
    assert alarm_level(replace(limits, every_minutes=30), 10) == pytest.approx(level / 2)
    assert alarm_level(replace(limits, false_alarms_per_year=3.0), 10) == pytest.approx(level * 3)


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
    found = report_of(reference, live)
    assert found.drifted
    assert found.features[0].missing_change == pytest.approx(0.2)
    assert Moved.MISSING in found.features[0].moved
    few = np.where(np.arange(2_000) % 100 == 0, np.nan, reference)
    assert not report_of(reference, few).drifted


def test_numbers_outside_of_the_reference_are_found() -> None:
    """A tenth of the rows beyond the greatest value that the model was validated on."""
    reference = np.random.default_rng(0).uniform(size=2_000)
    found = report_of(reference, np.where(np.arange(2_000) % 10 == 0, 7.0, reference))
    assert found.features[0].unseen_change == pytest.approx(0.1)
    assert Moved.UNSEEN in found.features[0].moved


def test_categories_never_seen_are_found() -> None:
    """Texts the reference does not know count as `other`, and enough of them are drift."""
    reference = a_table(1_000)
    mauve = np.array(["mauve"] * 1_000, dtype=object)
    found = report(reference, Table({**a_table(1_000, seed=4).columns, "colour": mauve}))
    (colour,) = [shift for shift in found.features if shift.drifted]
    assert (colour.name, colour.unseen_change, colour.wasserstein) == ("colour", 1.0, None)
    assert colour.moved == (Moved.DISTRIBUTION, Moved.UNSEEN)


def test_too_few_rows_say_nothing() -> None:
    """Below the minimum there is no judgement, however far the few rows lie."""
    found = report(a_table(1_000), a_table(499, seed=1, shift=9.0))
    assert (found.rows, found.enough, found.drifted, found.score) == (499, False, False, None)


def test_as_many_features_must_drift_as_the_policy_says() -> None:
    """With `features = 2`, one feature alone is no drift, unless it changes rows jointly; the score alone is."""
    limits = DriftLimits(minimum_rows=500, features=2, joint_psi=10.0)
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
    found = compare(of_rows(layout, reference, scores_of(reference)), [unseen], LIMITS)
    assert (found.enough, found.drifted, found.features) == (True, False, ())


def test_features_are_ranked_by_what_they_matter_times_how_far_they_moved() -> None:
    """A feature that moved less but matters more comes first; without importance, the furthest does."""
    reference = a_table(2_000)
    moved = a_table(1_000, seed=1, shift=0.5)
    live = Table({**moved.columns, "age": np.asarray(moved.columns["age"], dtype=np.float64) * 1.1})
    layout = layout_from(a_signature(), reference, scores_of(reference))
    before, now = (of_rows(layout, rows, scores_of(rows)) for rows in (reference, live))
    plain = compare(before, [now], LIMITS)
    assert [shift.impact for shift in plain.ranked] == [None] * 3
    assert [shift.psi for shift in plain.ranked] == sorted((shift.psi for shift in plain.features), reverse=True)
    weighed = compare(before, [now], LIMITS, importance={"amount": 0.1, "age": 2.0})
    assert [shift.name for shift in weighed.ranked][:2] == ["age", "amount"]
    assert weighed.ranked[0].impact == pytest.approx(2 * weighed.ranked[0].jensen_shannon)
    assert weighed.score is not None
    assert weighed.score.impact is None
