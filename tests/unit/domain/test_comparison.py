"""A candidate is worse than stable only where the rows that both scored say so beyond chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.domain.comparison import Difference, confidence_of, differences, interval, judge_difference
from serinus.domain.held_out import (
    FEWEST_OF_A_CLASS,
    FEWEST_ROWS,
    MOST_RESAMPLED_ROWS,
    RESAMPLES,
    Answers,
    BinaryAnswers,
    HeldOutRows,
    Reals,
    resampled,
)
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.regression import RegressionAnswers
from serinus.domain.table import Table


def chances_of(margins: Reals) -> Reals:
    """Return the chances of these log-odds."""
    return np.asarray(1 / (1 + np.exp(-margins)), dtype=np.float64)


def held_out(rows: int = 1_000, *, noise: float = 0.0, seed: int = 0) -> tuple[HeldOutRows, Reals]:
    """Return rows as a model with that much noise scored them, and the scores of one that has none."""
    chance = np.random.default_rng(seed)
    truth = chance.normal(0, 2, rows)
    labels = (chance.random(rows) < chances_of(truth)).astype(np.float64)
    scores = chances_of(truth + noise * chance.normal(0, 1, rows))
    return HeldOutRows("holdout.parquet", Table({"margin": truth}), labels, scores), chances_of(truth)


def test_a_noisy_model_is_worse_beyond_chance_by_every_metric_that_ranks() -> None:
    """The interval lies beyond zero, on the bad side for each metric, and holds the difference."""
    rows, stable = held_out(noise=3.0)
    found = differences(rows, stable, 0.5, seed=1)
    for metric in (Metric.ROC_AUC, Metric.AVERAGE_PRECISION, Metric.PRECISION, Metric.RECALL, Metric.LOG_LOSS):
        difference = found[metric]
        assert difference.low <= difference.value <= difference.high
        assert 0 < difference.worse_by[0] < difference.worse_by[1]
    assert found[Metric.LOG_LOSS].low > 0 > found[Metric.ROC_AUC].high


def test_the_interval_is_that_of_paired_rows() -> None:
    """It agrees with DeLong's paired standard error of an AUC's difference within a tenth."""
    rows, stable = held_out(2_000, noise=1.0)

    def components(scores: Reals) -> tuple[Reals, Reals]:
        positives, negatives = scores[rows.labels == 1], scores[rows.labels == 0]
        beats = (positives[:, None] > negatives).astype(np.float64) + (positives[:, None] == negatives) / 2
        return beats.mean(axis=1), beats.mean(axis=0)

    (by_positive, by_negative), (other_positive, other_negative) = components(rows.scores), components(stable)
    variance = sum(
        float(np.var(ours - theirs, ddof=1)) / len(ours)
        for ours, theirs in ((by_positive, other_positive), (by_negative, other_negative))
    )
    found = differences(rows, stable, 0.5, seed=2)[Metric.ROC_AUC]
    assert found.high - found.low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.1)


def test_equal_models_are_seldom_told_apart() -> None:
    """Of twelve pairs of equally noisy models less than four; more has a chance of one in 500."""
    apart = 0
    for seed in range(12):
        rows, _ = held_out(120, noise=1.0, seed=seed)
        other = np.random.default_rng(1_000 + seed).normal(0, 1, rows.rows)
        stable = chances_of(np.asarray(rows.table.columns["margin"], dtype=np.float64) + other)
        found = differences(rows, stable, 0.5, seed=seed)[Metric.ROC_AUC]
        apart += found.low > 0 or found.high < 0
    assert apart < 4


def _failing_share(family: int, *, corrected: bool, validations: int = 2_000) -> float:
    """Return how many of simulated validations fail a candidate that is as good as stable in each of a family.

    What resampling would draw is drawn here around each difference, as the bootstrap has it, with its own spread.
    """
    chance = np.random.default_rng(family)
    gate = MetricGate(Metric.ROC_AUC, minimum=0.1, worse_than_stable_by=0.0)
    confidence = confidence_of(family if corrected else 1)
    failed = 0
    for values in chance.normal(0, 1, (validations, family)):
        intervals = [interval(value, chance.normal(value, 1, RESAMPLES), confidence) for value in values]
        found = [
            Difference(Metric.ROC_AUC, 0.5 + value, 0.5, *each) for value, each in zip(values, intervals, strict=True)
        ]
        failed += not all(judge_difference(gate, each, stable="version 1", rows=900).passed for each in found)
    return failed / validations


@pytest.mark.parametrize("family", [1, 4, 12])
def test_an_equal_candidate_is_seldom_rejected_however_much_it_is_compared(family: int) -> None:
    """In 2.5 % of validations at the most, and not in many fewer; more than 3.7 % has a chance of one in 2,000."""
    assert 0.012 < _failing_share(family, corrected=True) < 0.037


def test_without_holding_comparisons_together_it_would_be_often() -> None:
    """Four at 2.5 % each reject one in ten, which is what the simulation is to see."""
    assert _failing_share(4, corrected=False) > 0.07


def test_more_comparisons_make_each_interval_wider() -> None:
    """And the finding says of how many it speaks."""
    rows, stable = held_out(300, noise=1.0)
    alone, among = (differences(rows, stable, 0.5, seed=3, family=family)[Metric.ROC_AUC] for family in (1, 6))
    assert 1.1 < (among.high - among.low) / (alone.high - alone.low) < 1.6
    gate = MetricGate(Metric.ROC_AUC, minimum=0.1, worse_than_stable_by=0.5)
    finding = judge_difference(gate, among, stable="version 3", rows=300, family=6)
    assert "(95 % for all 6 comparisons together: " in finding.message
    assert finding.numbers["intervals"] == 6


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), rows=st.integers(60, 200))
def test_comparing_is_reproducible_and_symmetric(seed: int, rows: int) -> None:
    """The seed decides the draws, and exchanging the models turns the interval around."""
    ours, stable = held_out(rows, noise=1.0, seed=seed % 97)
    theirs = HeldOutRows(ours.file, ours.table, ours.labels, stable)
    found, again = (differences(ours, stable, 0.5, seed=seed) for _ in range(2))
    assert found == again
    for metric, turned in differences(theirs, ours.scores, 0.5, seed=seed).items():
        assert (turned.low, turned.high) == pytest.approx((-found[metric].high, -found[metric].low))


def test_a_model_does_not_differ_from_itself() -> None:
    """Not even by the last bit, which counts into the same bin: both are measured on the same draws."""
    rows, _ = held_out(200)
    nearly = rows.scores.copy()
    nearly[0] = np.nextafter(nearly[0], 0.0)
    exactly, resampled_too = (differences(rows, each, 0.5, seed=3) for each in (rows.scores, nearly))
    assert exactly == resampled_too
    for difference in exactly.values():
        assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("kind", [BinaryAnswers, RegressionAnswers])
def test_draws_are_measured_as_each_alone(kind: type) -> None:
    """To the last bit, and on the rows that the seed draws one draw after the other."""
    rows, _ = held_out(70, noise=1.0)
    answers: Answers = (
        BinaryAnswers.of(rows.scores, rows.labels, 0.5)
        if kind is BinaryAnswers
        else RegressionAnswers(rows.labels, rows.scores)
    )
    chance = np.random.default_rng(4)
    alone = [answers.measured(chance.integers(0, 70, 70)) for _ in range(RESAMPLES)]
    assert [found for (found,) in resampled([answers], 70, seed=4)] == alone
    assert len({tuple(found.values()) for found in alone}) > RESAMPLES / 2


def test_draws_without_a_class_are_passed_over() -> None:
    """One positive of 60 is missing in about a third of all draws, of which no metric can be said."""
    labels = np.zeros(60)
    labels[0] = 1.0
    drawn = list(resampled([BinaryAnswers.of(np.linspace(0, 1, 60), labels, 0.5)], 60, seed=4))
    assert 500 < len(drawn) < 750


@pytest.mark.parametrize(
    ("margin", "low", "high", "passed", "said"),
    [
        (None, -0.05, -0.02, True, "worse beyond chance"),
        (0.01, -0.05, -0.02, False, "worse by more than 0.01 beyond chance: train a better model"),
        (0.02, -0.05, -0.02, True, "worse beyond chance"),
        (0.0, -0.05, 0.01, True, "no difference beyond chance"),
        (0.0, 0.01, 0.05, True, "better beyond chance"),
    ],
)
def test_what_may_not_be_worse_fails_only_beyond_the_margin(
    margin: float | None, low: float, high: float, passed: bool, said: str
) -> None:
    """All of the interval must lie beyond it; without a margin nothing fails. The sign is turned for a loss."""
    for metric, side in ((Metric.RECALL, 1), (Metric.LOG_LOSS, -1)):
        ends = sorted((side * low, side * high))
        found = Difference(metric, 0.7, 0.7 - side * (low + high) / 2, *ends)
        gate = MetricGate(metric, minimum=0.1, worse_than_stable_by=margin)
        finding = judge_difference(gate, found, stable="version 3", rows=900)
        assert finding.gate == f"against_stable:{metric}"
        assert finding.passed is passed
        assert said in finding.message
        assert finding.numbers["difference"] == pytest.approx(side * (low + high) / 2)
        assert finding.numbers.get("margin") == margin


def test_many_rows_are_sampled_by_the_seed() -> None:
    """So many as can be resampled in time, in their order, the same ones each time."""
    rows, _ = held_out(MOST_RESAMPLED_ROWS + 500)
    sample = rows.sampled(5)
    assert sample.rows == MOST_RESAMPLED_ROWS
    assert np.array_equal(sample.scores, rows.sampled(5).scores)
    assert not np.array_equal(sample.scores, rows.sampled(6).scores)
    margins = np.asarray(sample.table.columns["margin"], dtype=np.float64)
    assert np.allclose(sample.scores, chances_of(margins))
    assert rows.take(np.arange(300)).sampled(5).rows == 300


@pytest.mark.parametrize(
    ("rows", "positives", "enough"),
    [
        (FEWEST_ROWS, FEWEST_OF_A_CLASS, True),
        (FEWEST_ROWS, FEWEST_ROWS - FEWEST_OF_A_CLASS, True),
        (FEWEST_ROWS - 1, 25, False),
        (1_000, FEWEST_OF_A_CLASS - 1, False),
        (1_000, 1_000, False),
    ],
)
def test_few_rows_say_so(rows: int, positives: int, enough: bool) -> None:
    """Of either class there must be some, or an interval is too narrow."""
    labels = (np.arange(rows) < positives).astype(np.float64)
    too_few = HeldOutRows("f", Table({}), labels, labels).too_few
    assert (too_few is None) is enough
    assert enough or f"too few rows: {rows}, {positives} of them positive" in str(too_few)
