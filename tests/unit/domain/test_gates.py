"""Findings about metrics: what is beyond a limit fails, with the figures."""

from __future__ import annotations

from serinus.domain.gates import judge_metrics
from serinus.domain.metric import Metric, MetricGate


def test_a_calibration_error_above_its_maximum_fails() -> None:
    """The number of rows is told with it, since few rows make it larger."""
    gate = MetricGate(Metric.EXPECTED_CALIBRATION_ERROR, maximum=0.05)
    (failed,) = judge_metrics([gate], {gate.metric: 0.08}, rows=400)
    assert not failed.passed
    assert "expected_calibration_error is 0.0800 on 400 held-out rows, above the maximum of 0.05" in failed.message
    assert failed.numbers == {"value": 0.08, "rows": 400.0, "maximum": 0.05}
    (passed,) = judge_metrics([gate], {gate.metric: 0.05}, rows=400)
    assert passed.passed


def test_a_metric_that_cannot_be_measured_fails() -> None:
    """A gate that nothing passed by silence."""
    (failed,) = judge_metrics([MetricGate(Metric.ROC_AUC, minimum=0.6)], {}, rows=400)
    assert not failed.passed
    assert "cannot be measured" in failed.message
