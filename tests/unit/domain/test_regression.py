"""A regression's metrics agree with scikit-learn's, and survive what data bring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from serinus.domain.comparison import differences
from serinus.domain.held_out import HeldOutRows
from serinus.domain.metric import METRICS, Metric
from serinus.domain.regression import RegressionAnswers, describe_errors, prediction_bins
from serinus.domain.table import Table
from serinus.domain.task import GREATEST_NUMBER, Target, Task

REGRESSION = Target(Task.REGRESSION)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(2, 400), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_metrics_agree_with_scikit_learn(seed: int, rows: int, scale: float) -> None:
    """On all rows, and on drawn ones, some twice."""
    chance = np.random.default_rng(seed)
    labels = scale * chance.normal(3, 1, rows)
    predictions = labels + scale * chance.normal(0.2, 0.7, rows)
    for drawn in (np.arange(rows), chance.integers(0, rows, rows)):
        truth, told = labels[drawn], predictions[drawn]
        found = RegressionAnswers(labels, predictions).measured(drawn)
        if np.ptp(truth) == 0:
            assert found == {}
            continue
        expected = {
            Metric.RMSE: metrics.root_mean_squared_error(truth, told),
            Metric.MAE: metrics.mean_absolute_error(truth, told),
            Metric.R2: metrics.r2_score(truth, told),
            Metric.MEDIAN_ABSOLUTE_ERROR: metrics.median_absolute_error(truth, told),
            Metric.ABSOLUTE_BIAS: abs(float(np.mean(told - truth))),
        }
        assert set(found) == set(METRICS[Task.REGRESSION])
        for metric, value in expected.items():
            assert found[metric] == pytest.approx(value, rel=1e-9, abs=1e-12 * scale)


@pytest.mark.parametrize("step", [1e-320, 1e-170, 1e-160, 1e-90, 1e38])
def test_every_metric_is_finite(step: float) -> None:
    """A record that holds an infinite one could not be read again; nor are targets compared that hardly differ."""
    labels = step * np.arange(60, dtype=np.float64) / 59
    rows = HeldOutRows("h", Table({"x": labels}), labels, np.full(60, GREATEST_NUMBER), REGRESSION)
    metrics_of_them = rows.answers(0.5).measured()
    assert rows.refused_scores is None
    assert rows.scored(2 * rows.scores).refused_scores == "its scores of them are not all numbers that FP32 holds"
    assert np.all(np.isfinite(list(metrics_of_them.values())))
    assert bool(metrics_of_them) == (rows.too_few is None) == (step >= 1e-90)


def test_a_worse_regression_is_worse_beyond_chance_by_each_metric() -> None:
    """The interval lies on the bad side of zero, whichever way the metric is better."""
    chance = np.random.default_rng(1)
    labels = chance.normal(0, 2, 2_000)
    stable, candidate = labels + chance.normal(0, 1, 2_000), labels + 1 + chance.normal(0, 1.5, 2_000)
    rows = HeldOutRows("h", Table({"x": labels}), labels, candidate, REGRESSION)
    found = differences(rows, stable, 0.5, seed=3)
    assert set(found) == set(METRICS[Task.REGRESSION])
    for difference in found.values():
        assert 0 < difference.worse_by[0] < difference.worse_by[1]


def test_errors_are_described_with_their_sign_and_by_tenths() -> None:
    """Half the rows are told 2 too much: the bias is 1, and the highest predictions are those that are too high."""
    labels = np.arange(1_000, dtype=np.float64)
    found = describe_errors(labels, labels + 2 * (labels >= 500))
    assert found.numbers["bias"] == pytest.approx(1)
    assert "1 too high on average" in found.message
    assert (found.numbers["error_p05"], found.numbers["error_p95"]) == (0, 2)
    assert found.numbers["predicted:9"] - found.numbers["actual:9"] == pytest.approx(2)
    assert found.numbers["predicted:0"] == found.numbers["actual:0"] == pytest.approx(49.5)


def test_constant_predictions_have_bins_too() -> None:
    """A model that says the same of all is bad, and its profile is one bin."""
    bins = prediction_bins(np.full(50, 7.0))
    assert bins.edges == (7.0,)
    assert bins.slots(np.array([7.0, 8.0])).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("labels", "said"), [(np.arange(49.0), "too few rows: 49"), (np.ones(90), "not all the same")]
)
def test_rows_that_tell_nothing_beyond_chance_say_so(
    labels: np.ndarray[tuple[int], np.dtype[np.float64]], said: str
) -> None:
    """Few rows, or targets that are all the same."""
    rows = HeldOutRows("h", Table({"x": labels}), labels, labels, REGRESSION)
    assert said in (rows.too_few or "")
