"""A candidate is worse for somebody only where the rows of a guarded slice say so beyond chance."""

from __future__ import annotations

import numpy as np
import pytest

from serinus.domain.comparison import differences
from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows, Reals
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import Slicing
from serinus.domain.slice_comparison import GuardedSlices, compare_slices
from serinus.domain.table import Table
from tests.builders import an_object_column

AUC = MetricGate(Metric.ROC_AUC, minimum=0.5)
BY_COUNTRY = Slicing("country", guarded=True)
COUNTRIES = ("de", "fr", "it", "pl")


def chances_of(margins: Reals) -> Reals:
    """Return the chances of these log-odds."""
    return np.asarray(1 / (1 + np.exp(-margins)), dtype=np.float64)


def rows_of(
    *, seed: int = 0, rows: int = 1_600, noise: float = 0.5, where: tuple[str, float] | None = None
) -> tuple[HeldOutRows, Reals]:
    """Return rows of four countries as two equally noisy models scored them, the candidate noisier in one of them."""
    chance = np.random.default_rng(seed)
    truth = chance.normal(0, 2, rows)
    countries = [COUNTRIES[at % len(COUNTRIES)] for at in range(rows)]
    labels = (chance.random(rows) < chances_of(truth)).astype(np.float64)
    noises = np.array([where[1] if where and country == where[0] else noise for country in countries])
    candidate, stable = (chances_of(truth + each * chance.normal(0, 1, rows)) for each in (noises, noise))
    table = Table({"country": an_object_column(countries), "age": truth})
    return HeldOutRows("holdout.parquet", table, labels, candidate), stable


def compared(
    rows: HeldOutRows, stable: Reals, *slicings: Slicing, gates: tuple[MetricGate, ...] = (AUC,), seed: int = 1
) -> tuple[Finding, ...]:
    """Compare with stable, by country where nothing else is said."""
    guarded = GuardedSlices.of(slicings or (BY_COUNTRY,), rows)
    family = guarded.comparisons(gates)
    return compare_slices(guarded, rows, stable, gates, 0.5, seed=seed, name="version 1", family=family)


def test_a_slice_that_the_candidate_serves_worse_fails_and_is_named() -> None:
    """All others are as good as with stable, and so is the whole, nearly."""
    (found,) = compared(*rows_of(where=("it", 8.0)))
    assert not found.passed
    assert found.gate == "against_stable:roc_auc:slice:country"
    assert "roc_auc by country compares worst for 'it'" in found.message
    assert "worse than stable for 'it': train" in found.message
    assert found.numbers["high"] < 0
    assert (
        found.numbers["difference:it"]
        == found.numbers["difference"]
        == found.numbers["low:it"] / 2 + (found.numbers["high:it"] / 2)
    )
    assert found.numbers["slices"] == found.numbers["intervals"] == 4


def test_a_slice_that_is_worse_within_the_gates_margin_passes() -> None:
    """How much worse a candidate may be, it may be everywhere."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.5, worse_than_stable_by=0.4)
    (found,) = compared(*rows_of(where=("it", 8.0)), gates=(gate,))
    assert found.passed
    assert found.message.endswith("worse beyond chance")


def test_only_guarded_columns_are_compared() -> None:
    """The others are told by the slices' own findings."""
    assert compared(*rows_of(where=("it", 8.0)), Slicing("country")) == ()


def test_the_same_candidate_seldom_fails_however_many_slices() -> None:
    """Of four pairs of equally noisy models with eight comparisons each, at most one fails; 5 % each are promised."""
    gates = (AUC, MetricGate(Metric.LOG_LOSS, maximum=1.0))
    failed = sum(
        not all(found.passed for found in compared(*rows_of(seed=seed, rows=600, noise=1.0), gates=gates, seed=seed))
        for seed in range(4)
    )
    assert failed <= 1


def test_intervals_are_wider_the_more_slices_are_compared() -> None:
    """They hold together: for all metrics and columns, not each for itself."""
    rows, stable = rows_of()
    (alone,) = compared(rows, stable)
    gates = (AUC, MetricGate(Metric.LOG_LOSS, maximum=1.0))
    among_others, *_ = compared(rows, stable, BY_COUNTRY, Slicing("age", (-1.0, 0.0, 1.0), guarded=True), gates=gates)
    width, wider = (found.numbers["high:de"] - found.numbers["low:de"] for found in (alone, among_others))
    assert among_others.numbers["intervals"] == 16
    assert width < wider < 1.5 * width


def test_where_few_draws_lie_beyond_the_interval_is_the_normal_one() -> None:
    """At 95 % the two agree; the normal one goes on where a thousand draws end."""
    rows, stable = rows_of()
    usual, high, higher = (
        differences(rows, stable, 0.5, seed=3, family=family)[Metric.ROC_AUC] for family in (1, 500, 50_000)
    )
    spread = (high.high - high.low) / (2 * 3.8906)  # normal quantiles
    assert usual.high - usual.low == pytest.approx(2 * 1.96 * spread, rel=0.08)
    assert higher.high - higher.low == pytest.approx(2 * 4.8916 * spread, rel=1e-3)


def test_a_calibration_error_is_told_and_fails_nothing() -> None:
    """Few rows make it look larger than it is."""
    gates = (MetricGate(Metric.EXPECTED_CALIBRATION_ERROR, maximum=0.5),)
    (found,) = compared(*rows_of(where=("it", 8.0)), gates=gates)
    assert found.passed
    assert found.numbers["low:it"] > 0


def test_slices_of_few_rows_and_columns_that_are_not_there_are_not_compared() -> None:
    """A column with nothing to compare is left out; its own finding tells why."""
    rows, stable = rows_of()
    few = rows.take(np.concatenate([np.arange(0, 1_600, 4), np.arange(1, 40, 4)]))
    (found,) = compared(few, stable[: few.rows])
    assert (found.numbers["slices"], found.numbers["too_few"]) == (1, 1)
    assert "; 1 more with too few rows" in found.message
    assert compared(rows, stable, Slicing("colour", guarded=True)) == ()
