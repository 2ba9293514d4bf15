"""The truth by labels: metrics as scikit-learn has them, intervals that hold as often as they say, and warnings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from serinus.domain.layout import CHANCES
from serinus.domain.metric import METRICS, Metric
from serinus.domain.performance_estimate import calibrate
from serinus.domain.quality import score_table
from serinus.domain.realised import (
    ScoredRows,
    Yardstick,
    design_effect_of,
    label_selection,
    realised_metrics,
)
from serinus.domain.task import Task

Reals = npt.NDArray[np.float64]
ROWS = 800


def a_sample(seed: int, rows: int = ROWS, *, skill: float = 1.0) -> tuple[Reals, Reals]:
    """Return scores and labels; with a skill of 1 scores are the chances by which labels fall."""
    chance = np.random.default_rng(seed)
    odds = chance.normal(0, 1.5, rows)
    scores = 1 / (1 + np.exp(-odds))
    return scores, (chance.random(rows) < 1 / (1 + np.exp(-skill * odds))).astype(np.float64)


def rows_of(scores: Reals, labels: Reals, at: Reals | None = None) -> ScoredRows:
    """Return rows asked one a minute."""
    return ScoredRows(np.arange(float(len(scores))) * 60 if at is None else at, scores, labels)


def test_metrics_are_those_of_scikit_learn() -> None:
    """To what binning costs."""
    scores, labels = a_sample(1, 5_000)
    found = realised_metrics(score_table(CHANCES, scores, labels), 0.5, confidence=0.95)
    assert found[Metric.ROC_AUC].value == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)
    assert found[Metric.AVERAGE_PRECISION].value == pytest.approx(average_precision_score(labels, scores), abs=1e-3)
    assert found[Metric.LOG_LOSS].value == pytest.approx(log_loss(labels, scores), abs=2e-3)
    assert set(found) == set(METRICS[Task.BINARY])
    for estimate in found.values():
        assert estimate.low <= estimate.value <= estimate.high


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of 100 samples at 90 %: between 80 % and 98 %, which chance leaves in about one of a hundred runs."""
    truth = realised_metrics(score_table(CHANCES, *a_sample(0, 1_000_000)), 0.5, confidence=0.9)
    found = [
        realised_metrics(score_table(CHANCES, *a_sample(seed, 300)), 0.5, confidence=0.9) for seed in range(1, 101)
    ]
    for metric in set(METRICS[Task.BINARY]) - {Metric.EXPECTED_CALIBRATION_ERROR}:
        held = sum(one[metric].low <= truth[metric].value <= one[metric].high for one in found)
        assert 80 <= held <= 98, metric


def test_bursts_widen_the_intervals() -> None:
    """Rows of an hour that are alike in what is true tell less than as many independent ones."""
    scores, labels = a_sample(3, 2_400)
    order = np.argsort(labels + 0.1 * np.random.default_rng(0).random(2_400), kind="stable").reshape(24, 100)
    bursts = order[np.random.default_rng(1).permutation(24)].ravel()
    at = np.repeat(np.arange(24) * 3_600.0, 100) + np.tile(np.arange(100.0), 24)
    assert design_effect_of(rows_of(scores, labels, at), CHANCES) < 1.5
    assert design_effect_of(rows_of(scores[bursts], labels[bursts], at), CHANCES) > 3


@pytest.mark.parametrize(("rows", "positives"), [(49, 20), (400, 9), (400, 391), (0, 0)])
def test_too_few_labels_have_no_interval(rows: int, positives: int) -> None:
    """A narrow interval of nine positives would be a wrong one."""
    labels = (np.arange(rows) < positives).astype(np.float64)
    scores = np.random.default_rng(0).random(rows)
    assert realised_metrics(score_table(CHANCES, scores, labels), 0.5, confidence=0.95) == {}


def test_a_perfect_score_is_not_taken_to_be_sure() -> None:
    """Twenty of each class, all of them right: the interval reaches down."""
    scores, labels = np.repeat([0.2, 0.8], 30), np.repeat([0.0, 1.0], 30)
    found = realised_metrics(score_table(CHANCES, scores, labels), 0.5, confidence=0.95)
    for metric in (Metric.ROC_AUC, Metric.AVERAGE_PRECISION, Metric.PRECISION, Metric.RECALL, Metric.F1):
        assert found[metric].value == 1
        assert 0.8 < found[metric].low < 0.95
        assert found[metric].high == 1


def test_the_truth_lies_within_the_estimate_of_the_same_rows_where_scores_mean_what_they_did() -> None:
    """And its chances are spread as chances are; few of 100 windows surprise at 99 %."""
    calibration = calibrate(score_table(CHANCES, *a_sample(1_000, 20_000)))
    yardstick = Yardstick(CHANCES, calibration, 0.5, confidence=0.99)
    groups = [yardstick.group("window", rows_of(*a_sample(seed))) for seed in range(100)]
    for metric in (Metric.ROC_AUC, Metric.RECALL, Metric.LOG_LOSS):
        surprised = sum(group.is_expected(metric) is False for group in groups)
        assert surprised <= 4
        assert sum(group.chances[metric] < 0.01 for group in groups) == surprised


def test_the_truth_lies_outside_where_scores_mean_something_else() -> None:
    """At once, and by far more than chance, although the estimate of all rows is as it was."""
    calibration = calibrate(score_table(CHANCES, *a_sample(1_000, 20_000)))
    yardstick = Yardstick(CHANCES, calibration, 0.5, confidence=0.99)
    group = yardstick.group("window", rows_of(*a_sample(5, 2_000, skill=0.3)))
    assert group.is_expected(Metric.ROC_AUC) is False
    assert group.chances[Metric.ROC_AUC] < 1e-9
    assert group.estimated[Metric.ROC_AUC] == group.expected[Metric.ROC_AUC]


def test_only_labelled_rows_are_compared() -> None:
    """The rest is estimated, and counted."""
    scores, labels = a_sample(5)
    labels[::2] = np.nan
    yardstick = Yardstick(CHANCES, calibrate(score_table(CHANCES, *a_sample(9))), 0.5, confidence=0.95)
    group = yardstick.group("window", rows_of(scores, labels))
    assert (group.rows, group.labelled_rows, group.labelled_share) == (ROWS, ROWS // 2, 0.5)
    alone = yardstick.group("window", rows_of(scores[1::2], labels[1::2]))
    assert (group.realised, group.expected) == (alone.realised, alone.expected)
    assert group.estimated != alone.estimated


def test_without_a_calibration_the_truth_stands_alone() -> None:
    """Nothing is expected, so nothing surprises."""
    group = Yardstick(CHANCES, None, 0.5, confidence=0.95).group("window", rows_of(*a_sample(5)))
    assert group.realised
    assert (group.expected, group.chances, group.is_expected(Metric.ROC_AUC)) == ({}, {}, None)


def test_labels_that_chance_alone_chose_are_not_taken_for_selected() -> None:
    """In fewer than a few of a hundred windows at 1 %; those of high scores are, always."""
    biased = 0
    for seed in range(100):
        scores, labels = a_sample(seed)
        came = np.random.default_rng(seed).random(ROWS) < 0.3
        biased += label_selection(rows_of(scores, np.where(came, labels, np.nan)), CHANCES).is_biased
        high = np.random.default_rng(seed).random(ROWS) < scores
        assert label_selection(rows_of(scores, np.where(high, labels, np.nan)), CHANCES).is_biased
    assert biased <= 5


def test_selection_needs_both_sides() -> None:
    """No labels, or all of them, are no selection; the averages are told."""
    scores, labels = a_sample(5)
    none = label_selection(rows_of(scores, np.full(ROWS, np.nan)), CHANCES)
    every = label_selection(rows_of(scores, labels), CHANCES)
    assert (none.is_biased, none.labelled_mean, every.is_biased) == (False, None, False)
    assert every.labelled_mean == pytest.approx(scores.mean())
    nothing = label_selection(rows_of(np.array([]), np.array([])), CHANCES)
    assert nothing.chance == 1
