"""The figures that looks publish: few, and under steady names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from serinus.domain.drift import DriftReport
from serinus.domain.figures import figures_of_drift, figures_of_estimate, figures_of_truth
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.performance_estimate import Estimate, PerformanceEstimate
from serinus.domain.realised import RealisedGroup
from tests.benchmarks.serving import costs
from tests.builders import a_table
from tests.unit.domain.test_drift import report

_ESTIMATE = PerformanceEstimate(
    1_000, {Metric.ROC_AUC: Estimate(0.8, 0.7, 0.9), Metric.LOG_LOSS: Estimate(0.5, 0.4, 0.6)}, 0.0
)

_TRUTH = RealisedGroup("release 2", rows=200, labelled_rows=50, realised={Metric.ROC_AUC: Estimate(0.6, 0.5, 0.7)})


def a_report(shift: float) -> DriftReport:
    """Return what a check of rows that have shifted by so much finds."""
    return report(a_table(2_000, seed=1), a_table(2_000, seed=2, shift=shift))


def test_a_look_tells_the_furthest_feature_and_the_score() -> None:
    """And whether that is drift, for the release and for the endpoint's alarm."""
    found = a_report(2.0)
    assert found.score is not None
    figures = figures_of_drift(found)
    assert figures.of_release == {
        "RowsChecked": 2_000.0,
        "Drifted": 1.0,
        "LargestFeaturePsi": max(shift.psi for shift in found.features),
        "ScorePsi": found.score.psi,
    }
    assert figures.of_endpoint == {"Drifted": 1.0}
    assert figures_of_drift(a_report(0.0)).of_endpoint == {"Drifted": 0.0}


def test_a_window_that_says_nothing_publishes_nothing() -> None:
    """No figure is no news; zero would be good news."""
    figures = figures_of_drift(DriftReport(3, enough=False, drifted=False, features=(), score=None))
    assert (figures.of_release, figures.of_endpoint) == ({}, {})


def test_without_logged_inputs_the_score_is_all() -> None:
    """No feature was compared."""
    figures = figures_of_drift(replace(a_report(0.0), features=()))
    assert "LargestFeaturePsi" not in figures.of_release
    assert "ScorePsi" in figures.of_release


def test_an_estimate_tells_the_metrics_that_have_floors() -> None:
    """Each once, and the end of its interval that is the better one: the lower of a loss."""
    floors = [
        MetricGate(Metric.ROC_AUC, minimum=0.7),
        MetricGate(Metric.LOG_LOSS, maximum=0.6),
        MetricGate(Metric.LOG_LOSS, minimum=0.1),
        MetricGate(Metric.EXPECTED_CALIBRATION_ERROR, maximum=0.1),
    ]
    figures = figures_of_estimate(_ESTIMATE, floors)
    assert figures.of_release == {"EstimatedRocAuc": 0.8, "EstimatedLogLoss": 0.5}
    assert figures.of_endpoint == {"EstimatedRocAucAtBest": 0.9, "EstimatedLogLossAtBest": 0.4}


def test_labels_tell_the_same_beside_how_many_have_come() -> None:
    """By names of their own: an estimate is no truth."""
    figures = figures_of_truth(_TRUTH, [MetricGate(Metric.ROC_AUC, minimum=0.7)], concept_drifted=True)
    assert figures.of_release == {"RealisedRocAuc": 0.6, "LabelledShare": 0.25}
    assert figures.of_endpoint == {"RealisedRocAucAtBest": 0.7, "ConceptDrifted": 1.0}


def test_every_figure_is_a_number_that_cloudwatch_takes() -> None:
    """Finite, whatever was found."""
    figures = figures_of_drift(a_report(2.0))
    assert np.all(np.isfinite(list(figures.of_release.values())))


def test_the_cost_table_counts_every_series() -> None:
    """Of a policy with one floor."""
    floors = [MetricGate(Metric.ROC_AUC, minimum=0.7)]
    looks = [
        figures_of_drift(a_report(0.0)),
        figures_of_estimate(_ESTIMATE, floors),
        figures_of_truth(_TRUTH, floors, concept_drifted=False),
    ]
    assert sum(len(figures.of_release) + len(figures.of_endpoint) for figures in looks) == costs.SERIES_OF_LOOKS
