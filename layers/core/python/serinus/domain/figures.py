"""The figures that every look at an endpoint publishes, under the names that CloudWatch shows.

A series is paid for by the month, so only what somebody may want to see drawn, or an alarm needs, is one: of all the
columns the furthest, and of all the metrics those that the policy has floors for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from serinus.domain.drift import DriftReport
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.performance_estimate import Estimate, PerformanceEstimate
from serinus.domain.realised import RealisedGroup

DRIFTED = "Drifted"
ROWS_CHECKED = "RowsChecked"
LARGEST_FEATURE_PSI = "LargestFeaturePsi"
SCORE_PSI = "ScorePsi"
LABELLED_SHARE = "LabelledShare"
CONCEPT_DRIFTED = "ConceptDrifted"
ESTIMABLE = tuple(metric for metric in Metric if not metric.needs_labels)


@dataclass(frozen=True)
class Figures:
    """What is published at one time.

    Attributes:
        of_release: one series for each release.
        of_endpoint: one series whatever is live, for alarms, which outlive releases.
    """

    of_release: Mapping[str, float]
    of_endpoint: Mapping[str, float]


def figures_of_drift(report: DriftReport) -> Figures:
    """Return what a drift check publishes; nothing where the window says nothing."""
    if not report.enough:
        return Figures({}, {})
    drifted = {DRIFTED: float(report.drifted)}
    furthest = max((shift.psi for shift in report.features), default=None)
    distances = {LARGEST_FEATURE_PSI: furthest, SCORE_PSI: report.score.psi if report.score else None}
    known = {name: psi for name, psi in distances.items() if psi is not None}
    return Figures({ROWS_CHECKED: float(report.rows), **drifted, **known}, drifted)


def figures_of_estimate(estimate: PerformanceEstimate, floors: Iterable[MetricGate]) -> Figures:
    """Return what an estimate of performance publishes: of each floor's metric, its value and the better end."""
    return _of_floors(estimate.metrics, floors, estimated)


def figures_of_truth(truth: RealisedGroup, floors: Iterable[MetricGate], *, concept_drifted: bool) -> Figures:
    """Return what labels publish: the same of what they say, how many rows have one, and whether they surprise."""
    told = _of_floors(truth.realised, floors, realised)
    share = {LABELLED_SHARE: truth.labelled_share}
    return Figures({**told.of_release, **share}, {**told.of_endpoint, CONCEPT_DRIFTED: float(concept_drifted)})


def _of_floors(
    found: Mapping[Metric, Estimate], floors: Iterable[MetricGate], named: Callable[[Metric], str]
) -> Figures:
    values, best = {}, {}
    for metric in dict.fromkeys(floor.metric for floor in floors):
        interval = found.get(metric)
        if interval is not None:
            values[named(metric)] = interval.value
            best[at_best(named(metric))] = interval.low if metric.lower_is_better else interval.high
    return Figures(values, best)


def estimated(metric: Metric) -> str:
    """Return the name of an estimate's series.

    >>> estimated(Metric.ROC_AUC)
    'EstimatedRocAuc'
    """
    return f"Estimated{_camel_case(metric)}"


def realised(metric: Metric) -> str:
    """Return the name of the series of what labels say.

    >>> realised(Metric.LOG_LOSS)
    'RealisedLogLoss'
    """
    return f"Realised{_camel_case(metric)}"


def at_best(series: str) -> str:
    """Return the name of the series of an interval's better end: only where that is not good enough, an alarm rings.

    >>> at_best(estimated(Metric.LOG_LOSS))
    'EstimatedLogLossAtBest'
    """
    return f"{series}AtBest"


def _camel_case(metric: Metric) -> str:
    return "".join(word.capitalize() for word in metric.split("_"))
