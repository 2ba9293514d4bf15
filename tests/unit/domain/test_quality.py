"""Metrics from counts agree with scikit-learn's from rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve

from serinus.domain.bins import NumericBins
from serinus.domain.metric import Metric
from serinus.domain.quality import (
    CALIBRATION_GROUPS,
    ScoreTable,
    expected_calibration_error,
    measure,
    measure_each,
    score_table,
)

BINS = NumericBins("score", tuple(float(edge) for edge in np.linspace(0, 1, 1_001)))


def labelled(seed: int, rows: int = 4_000) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return calibrated scores and their labels."""
    chance = np.random.default_rng(seed)
    scores = chance.beta(0.8, 2.0, rows)
    return scores, (chance.random(rows) < scores) * np.ones(rows)


@pytest.mark.parametrize("seed", range(8))
def test_ranking_metrics_are_exact_to_the_stated_error(seed: int) -> None:
    """ROC AUC within 1e-4 and average precision within 1e-3 of scikit-learn's."""
    scores, labels = labelled(seed)
    found = measure(score_table(BINS, scores, labels), 0.5)
    assert found[Metric.ROC_AUC] == pytest.approx(sklearn.roc_auc_score(labels, scores), abs=1e-4)
    assert found[Metric.AVERAGE_PRECISION] == pytest.approx(sklearn.average_precision_score(labels, scores), abs=1e-3)


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.5, 0.737])
def test_metrics_at_a_threshold_on_an_edge_are_exact(threshold: float) -> None:
    """Precision, recall and accuracy count whole bins, so that a threshold on an edge loses nothing."""
    scores, labels = labelled(1)
    flagged = scores >= threshold
    found = measure(score_table(BINS, scores, labels), threshold)
    assert found[Metric.PRECISION] == pytest.approx(sklearn.precision_score(labels, flagged))
    assert found[Metric.RECALL] == pytest.approx(sklearn.recall_score(labels, flagged))
    assert found[Metric.ACCURACY] == pytest.approx(sklearn.accuracy_score(labels, flagged))


def test_log_loss_is_exact_to_the_width_of_a_bin() -> None:
    """Within 2e-3 nats of scikit-learn's on calibrated scores."""
    scores, labels = labelled(2)
    found = measure(score_table(BINS, scores, labels), 0.5)[Metric.LOG_LOSS]
    assert found == pytest.approx(sklearn.log_loss(labels, scores), abs=2e-3)


def test_metrics_of_summed_tables_are_those_of_the_whole() -> None:
    """Tables merge by addition."""
    scores, labels = labelled(3)
    parts = score_table(BINS, scores[:1_000], labels[:1_000]) + score_table(BINS, scores[1_000:], labels[1_000:])
    assert parts.rows == 4_000
    assert measure(parts, 0.5) == measure(score_table(BINS, scores, labels), 0.5)


def test_many_tables_at_once_are_measured_as_each_alone() -> None:
    """To the last bit; one that lacks a class has no metrics, and takes none from the others."""
    alone = [score_table(BINS, *labelled(seed, 40 + 400 * seed)) for seed in range(4)]
    alone.insert(2, score_table(BINS, np.array([0.2, 0.8]), np.zeros(2)))
    negatives, positives = (
        np.stack([getattr(table, side) for table in alone]) for side in ("negatives", "positives")
    )
    found = measure_each(ScoreTable(BINS.edges, negatives, positives), 0.25)
    assert found == [measure(table, 0.25) for table in alone]
    assert [bool(metrics) for metrics in found] == [True, True, False, True, True]


def test_tables_of_different_edges_do_not_add() -> None:
    """Adding counts of different bins is an error."""
    table = score_table(BINS, np.array([0.5]), np.array([1.0]))
    with pytest.raises(ValueError, match="different edges"):
        table + ScoreTable((0.0, 1.0), np.array([0]), np.array([1]))


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_alone_has_no_metrics(label: float) -> None:
    """Without both classes nothing can be ranked."""
    assert measure(score_table(BINS, np.array([0.2, 0.8]), np.full(2, label)), 0.5) == {}
    assert measure(ScoreTable((0.5,), np.array([1 - label]), np.array([label])), 0.5) == {}


def test_scores_that_are_no_chances_have_no_metrics() -> None:
    """A log loss of margins would be a made-up number."""
    bins = NumericBins("score", (-3.0, 0.0, 3.0))
    assert measure(score_table(bins, np.array([-2.0, 2.0]), np.array([0.0, 1.0])), 0.5) == {}


def test_a_score_beyond_the_bins_counts_into_the_outermost() -> None:
    """1.000001 is the surest of positives, not nobody; a missing score is nobody."""
    table = score_table(BINS, np.array([1.000001, -1e-9, np.nan]), np.array([1.0, 0.0, 1.0]))
    assert table.rows == 2
    assert measure(table, 0.5)[Metric.ROC_AUC] == 1.0


def test_a_threshold_next_to_one_still_flags_the_surest() -> None:
    """The last edge begins no bin, so that a threshold rounds to the one before."""
    table = score_table(BINS, np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert measure(table, 0.9999)[Metric.RECALL] == 1.0


def test_flagging_nobody_has_no_precision_to_speak_of() -> None:
    """Precision is 0 where nothing is flagged, as scikit-learn has it."""
    table = score_table(BINS, np.array([0.1, 0.2]), np.array([1.0, 0.0]))
    assert measure(table, 0.9)[Metric.PRECISION] == 0.0


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_calibration_error_is_that_of_the_curve_of_equal_groups(power: float) -> None:
    """Within 2e-3 of the mean gap of scikit-learn's quantile curve, for scores too high, right, and too low."""
    scores, labels = labelled(4)
    bent = scores**power
    share, mean_score = calibration_curve(labels, bent, n_bins=CALIBRATION_GROUPS, strategy="quantile")
    found = measure(score_table(BINS, bent, labels), 0.5)[Metric.EXPECTED_CALIBRATION_ERROR]
    assert found == pytest.approx(float(np.abs(share - mean_score).mean()), abs=2e-3)
    assert (found < 0.02) is (power == 1.0)


@given(
    negatives=st.lists(st.integers(0, 50), min_size=20, max_size=20),
    positives=st.lists(st.integers(0, 50), min_size=20, max_size=20),
)
def test_the_calibration_error_lies_between_the_mean_gap_and_one(negatives: list[int], positives: list[int]) -> None:
    """Gaps of groups cancel in the mean over all rows, and not in the error; rows that come twice change nothing."""
    edges = tuple(float(edge) for edge in np.linspace(0, 1, 21))
    table = ScoreTable(edges, np.array(negatives), np.array(positives))
    if sum(negatives) and sum(positives):
        found = expected_calibration_error(table)
        gap = abs(float(((table.positives + table.negatives) * table.middles - table.positives).sum())) / table.rows
        assert gap - 1e-9 <= found <= 1
        assert expected_calibration_error(table + table) == pytest.approx(found)
