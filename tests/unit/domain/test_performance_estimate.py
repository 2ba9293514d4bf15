"""Performance without labels: as rows and scikit-learn would estimate it, within an interval that holds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn import metrics as sklearn
from sklearn.isotonic import IsotonicRegression

from serinus.domain.bins import Counts, NumericBins
from serinus.domain.metric import METRICS, Metric, MetricGate
from serinus.domain.performance_estimate import (
    Calibration,
    Estimate,
    broken_floors,
    calibrate,
    estimate_performance,
)
from serinus.domain.quality import ScoreTable, measure, score_table
from serinus.domain.task import Task

BINS = NumericBins("score", tuple(float(edge) for edge in np.linspace(0, 1, 1_001)))
Reals = npt.NDArray[np.float64]


def truth(scores: Reals) -> Reals:
    """Return what the scores of an overconfident model mean."""
    odds = np.log(np.clip(scores, 1e-6, 1 - 1e-6) / np.clip(1 - scores, 1e-6, 1 - 1e-6))
    return np.asarray(1 / (1 + np.exp(-(0.6 * odds - 0.4))), dtype=np.float64)


def rows(seed: int, count: int, *, high: float = 1.2) -> tuple[Reals, Reals]:
    """Return scores and their labels."""
    chance = np.random.default_rng(seed)
    scores = chance.beta(0.8, high, count)
    return scores, (chance.random(count) < truth(scores)) * np.ones(count)


def histogram(scores: Reals) -> Counts:
    """Count scores as a profile does."""
    return np.bincount(BINS.slots(scores), minlength=BINS.width).astype(np.int64)


def learned(seed: int = 1, count: int = 20_000) -> Calibration:
    """Return a calibration."""
    found = calibrate(score_table(BINS, *rows(seed, count)))
    assert found is not None
    return found


def by_rows(held_out: tuple[Reals, Reals], scores: Reals, threshold: float) -> dict[Metric, float]:
    """Estimate as the method is told: a row at a time, isotonic regression on the scores themselves."""
    chances = IsotonicRegression(out_of_bounds="clip").fit(*held_out).predict(scores)
    twice, weights = np.concatenate([scores, scores]), np.concatenate([chances, 1 - chances])
    labels = np.concatenate([np.ones(len(scores)), np.zeros(len(scores))])
    flagged = twice >= threshold
    return {
        Metric.ROC_AUC: sklearn.roc_auc_score(labels, twice, sample_weight=weights),
        Metric.AVERAGE_PRECISION: sklearn.average_precision_score(labels, twice, sample_weight=weights),
        Metric.PRECISION: sklearn.precision_score(labels, flagged, sample_weight=weights),
        Metric.RECALL: sklearn.recall_score(labels, flagged, sample_weight=weights),
        Metric.F1: sklearn.f1_score(labels, flagged, sample_weight=weights),
        Metric.ACCURACY: sklearn.accuracy_score(labels, flagged, sample_weight=weights),
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_estimates_agree_with_those_made_a_row_at_a_time(seed: int, threshold: float) -> None:
    """Within 1e-3, though counted in a thousand bins."""
    held_out, (scores, _) = rows(seed, 20_000), rows(seed + 100, 20_000, high=2.5)
    calibration = calibrate(score_table(BINS, *held_out))
    found = estimate_performance(calibration, histogram(scores), threshold, confidence=0.95).metrics
    for metric, value in by_rows(held_out, scores, threshold).items():
        assert found[metric].value == pytest.approx(value, abs=1e-3), metric


def test_chances_are_those_of_isotonic_regression() -> None:
    """On every bin that held-out rows fell into, whatever their number."""
    chance = np.random.default_rng(3)
    table = ScoreTable(BINS.edges, chance.integers(0, 4, 1_000), chance.integers(0, 4, 1_000))
    found = calibrate(table)
    assert found is not None
    counted = np.asarray(table.negatives + table.positives, dtype=np.float64)
    known = counted > 0
    expected = IsotonicRegression(out_of_bounds="clip").fit(
        table.middles[known], (table.positives / np.maximum(counted, 1))[known], sample_weight=counted[known]
    )
    assert found.chances[known] == pytest.approx(expected.predict(table.middles[known]))
    assert found.chances == pytest.approx(expected.predict(table.middles), abs=1e-9)
    assert found.known.all()


def test_every_metric_is_within_its_interval_as_often_as_promised() -> None:
    """Of 300 windows with their own held-out rows, 95 % of the realised metrics, give or take chance."""
    inside: Counter[Metric] = Counter()
    for seed in range(300):
        calibration = learned(seed, 3_000)
        scores, labels = rows(seed + 1_000, 1_500, high=2.0)
        realised = measure(score_table(BINS, scores, labels), 0.5)
        for metric, found in estimate_performance(
            calibration, histogram(scores), 0.5, confidence=0.95
        ).metrics.items():
            inside[metric] += found.low <= realised[metric] <= found.high
    assert set(inside) == {metric for metric in Metric if not metric.needs_labels}
    assert all(times / 300 >= 0.93 for times in inside.values()), inside


def test_an_interval_narrows_with_rows_and_widens_with_confidence_and_dependence() -> None:
    """As much as theory says: a design effect of four is half as many digits."""
    scores, _ = rows(5, 2_000)
    calibration = learned(count=2_000_000)

    def width(counts: Counts, confidence: float = 0.95, design_effect: float = 1.0) -> float:
        estimated = estimate_performance(
            calibration, counts, 0.5, confidence=confidence, design_effect=design_effect
        ).metrics[Metric.ROC_AUC]
        return estimated.high - estimated.low

    once = width(histogram(scores))
    assert width(histogram(scores) * 4) == pytest.approx(once / 2, rel=0.05)
    assert width(histogram(scores), design_effect=4.0) == pytest.approx(once * 2, rel=0.05)
    assert width(histogram(scores), confidence=0.99) > once


def test_few_held_out_rows_widen_the_interval() -> None:
    """What a score means is then uncertain, however long the window."""
    counts = histogram(rows(5, 100_000)[0])
    few, many = (
        estimate_performance(learned(count=count), counts, 0.5, confidence=0.95).metrics[Metric.RECALL]
        for count in (300, 30_000)
    )
    assert few.high - few.low > 3 * (many.high - many.low)


@given(
    counts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=4, max_size=4),
    window=st.lists(st.integers(0, 50), min_size=4, max_size=4),
)
@example(counts=[(3, 0), (0, 0), (0, 0), (0, 3)], window=[0, 0, 0, 60])
def test_intervals_hold_their_estimate_and_are_finite(counts: list[tuple[int, int]], window: list[int]) -> None:
    """Whatever was counted: perfect separation, one class, empty bins."""
    edges = (0.0, 0.25, 0.5, 0.75, 1.0)
    negatives, positives = (np.array(side) for side in zip(*counts, strict=True))
    calibration = calibrate(ScoreTable(edges, negatives, positives))
    slots = np.array([0, 0, *window, 0], dtype=np.int64)
    found = estimate_performance(calibration, slots, 0.5, confidence=0.99)
    assert found.rows == sum(window)
    for estimate in found.metrics.values():
        assert 0 <= estimate.low <= estimate.value + 1e-12
        assert estimate.value <= estimate.high + 1e-12 < np.inf


@pytest.mark.parametrize(
    "table",
    [
        ScoreTable((0.0, 0.5, 1.0), np.array([3, 4]), np.array([0, 0])),
        ScoreTable((0.0, 0.5, 1.0), np.array([0, 0]), np.array([3, 4])),
        ScoreTable((0.0, 0.5, 1.0), np.array([0, 0]), np.array([0, 0])),
        ScoreTable((-3.0, 0.0, 3.0), np.array([3, 4]), np.array([3, 9])),
    ],
)
def test_without_both_classes_or_chances_nothing_is_estimated(table: ScoreTable) -> None:
    """No number rather than a wrong one."""
    assert calibrate(table) is None
    assert estimate_performance(None, np.array([0, 0, 3, 4, 0]), 0.5, confidence=0.95).metrics == {}


def test_rows_without_a_score_are_not_counted_and_those_beyond_the_bins_are() -> None:
    """As when labels come: `quality.score_table` does the same."""
    calibration = calibrate(ScoreTable((0.0, 0.5, 1.0), np.array([9, 1]), np.array([1, 9])))
    found = estimate_performance(calibration, np.array([7, 10, 20, 30, 40]), 0.5, confidence=0.95)
    assert found.rows == 100
    assert found.metrics[Metric.ACCURACY].value == pytest.approx(0.9)


@pytest.mark.parametrize(("rows", "told"), [(2, False), (49, False), (50, True)])
def test_a_handful_of_rows_says_nothing(rows: int, told: bool) -> None:
    """Two rows of one score would have an AUC of 0.5 for certain."""
    calibration = calibrate(ScoreTable((0.0, 0.5, 1.0), np.array([9, 1]), np.array([1, 9])))
    found = estimate_performance(calibration, np.array([0, 0, rows, 0, 0]), 0.5, confidence=0.95)
    assert (found.rows, bool(found.metrics)) == (rows, told)


def test_scores_that_held_out_rows_never_had_are_told() -> None:
    """The map is a guess beyond them; between them it is interpolated."""
    calibration = calibrate(ScoreTable((0.0, 0.25, 0.5, 0.75, 1.0), np.array([9, 0, 4, 0]), np.array([1, 0, 6, 0])))
    found = estimate_performance(calibration, np.array([0, 0, 50, 30, 0, 20, 0]), 0.5, confidence=0.95)
    assert found.unknown_share == pytest.approx(0.2)
    assert calibration is not None
    assert calibration.chances == pytest.approx([0.1, 0.35, 0.6, 0.6])


def test_a_floor_is_broken_only_by_a_whole_interval() -> None:
    """Minimum and maximum alike; what was not estimated breaks nothing."""
    floors = [MetricGate(Metric.RECALL, minimum=0.5), MetricGate(Metric.LOG_LOSS, maximum=0.4)]
    below, above = Estimate(0.3, 0.2, 0.4), Estimate(0.5, 0.45, 0.55)
    assert [
        broken.floor for broken in broken_floors(floors, {Metric.RECALL: below, Metric.LOG_LOSS: above})
    ] == floors
    assert broken_floors(floors, {Metric.RECALL: Estimate(0.45, 0.3, 0.6)}) == ()
    assert broken_floors(floors, {Metric.LOG_LOSS: Estimate(0.45, 0.3, 0.6)}) == ()
    assert broken_floors(floors, {}) == ()


def test_calibration_is_not_estimated_from_scores() -> None:
    """The estimate takes scores to mean what they meant on the held-out rows, so it would always find them right."""
    scores, _ = rows(1, 1_500)
    estimate = estimate_performance(learned(0, 3_000), histogram(scores), 0.5, confidence=0.95)
    assert set(estimate.metrics) == set(METRICS[Task.BINARY]) - {Metric.EXPECTED_CALIBRATION_ERROR}
