"""Hold what labels say of the live release against the policy's floors, and against what was expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from serinus.domain.drift import alarm_level
from serinus.domain.figures import figures_of_truth
from serinus.domain.ledger import Action, Detail
from serinus.domain.metric import Metric
from serinus.domain.performance_estimate import BrokenFloor, broken_floors
from serinus.domain.policy import Policy
from serinus.domain.realised import RealisedGroup
from serinus.domain.rollout import Release
from serinus.use_cases.announce import Announcement, announce
from serinus.use_cases.live_window import Reading, live_release
from serinus.use_cases.measure_performance import Measuring, Performance, measure_performance
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.ledger import Events, Ledger, Metrics

_LOOKS = 2  # a look that failed, or was late, is made up for by the next
_WHOLE_SECONDS = timedelta(seconds=1)  # a store tells no more of when it was written to


@dataclass(frozen=True)
class Reviewing:
    """What reviewing needs of the world."""

    reading: Reading
    measuring: Measuring
    ledger: Ledger
    events: Events
    metrics: Metrics
    clock: Clock


@dataclass(frozen=True)
class PerformanceReview:
    """The result.

    Attributes:
        labelled_rows: how many of the window's rows have a label.
        broken: the floors that the truth lies beyond, by more than chance.
        unexpected: the metrics that lie elsewhere than their estimate of the same rows, by more than chance.
        announced: the events that were published.
        findings: what somebody should look at of the label files.
    """

    endpoint: str
    release: int | None
    rows: int
    labelled_rows: int
    broken: tuple[BrokenFloor, ...]
    unexpected: tuple[Metric, ...]
    announced: tuple[str, ...]
    reason: str
    findings: tuple[str, ...] = ()


def review_performance(endpoint: str, *, reviewing: Reviewing) -> PerformanceReview:
    """Measure the live release by the labels that have come, and say where it falls short or surprises.

    `PerformanceDropped` with `realised`: a floor is broken, and this is no estimate. `ConceptDriftDetected`: scores
    no longer mean what they did on the held-out rows, so that estimates are not to be trusted, and a new model is
    needed. Each is announced once in a window's length, as drift is, while labels come.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = reviewing.reading.policies.get(endpoint)
    now = reviewing.clock()
    live = live_release(endpoint, reading=reviewing.reading)
    if live is None:
        return PerformanceReview(endpoint, None, 0, 0, (), (), (), "nothing is released yet")
    release = live[0]
    if not _labels_have_come(policy, now, reviewing):
        return PerformanceReview(
            endpoint, release.number, 0, 0, (), (), (), "no labels have come since the last look"
        )
    start = now - timedelta(minutes=policy.performance.labels_window_minutes)
    measured = measure_performance(endpoint, start=start, end=now, measuring=reviewing.measuring)
    (found,) = (one for one in measured.releases if one.release == release.number)
    return replace(_reviewed(found, release, policy, now, reviewing), findings=measured.labels.findings)


def _labels_have_come(policy: Policy, now: datetime, reviewing: Reviewing) -> bool:
    """Whether there is anything that earlier looks have not seen; a join reads too much to be made for nothing."""
    since = now - timedelta(minutes=_LOOKS * policy.performance.every_minutes)
    came = reviewing.measuring.labels.last_arrival(policy.endpoint, before=now + _WHOLE_SECONDS)
    return came is not None and came >= since


def _reviewed(
    found: Performance, release: Release, policy: Policy, now: datetime, reviewing: Reviewing
) -> PerformanceReview:
    truth = found.realised
    nothing = PerformanceReview(policy.endpoint, release.number, truth.rows, truth.labelled_rows, (), (), (), "")
    if truth.labelled_rows < policy.performance.minimum_rows:
        missing = f"{truth.labelled_rows} of {policy.performance.minimum_rows} labelled rows have come"
        return replace(nothing, reason=missing)
    if not truth.realised:
        return replace(nothing, reason=f"the labels that have come tell nothing: it takes {policy.target.needs}")
    told = {metric: value for metric, value in truth.realised.items() if not metric.is_inflated}
    broken = broken_floors(policy.floors, told)
    unexpected = _unexpected(truth, policy)
    figures = figures_of_truth(replace(truth, realised=told), policy.floors, concept_drifted=bool(unexpected))
    reviewing.metrics.put(policy.endpoint, release.number, figures)
    reasons = {
        "PerformanceDropped": ", ".join(_broken_in_words(each) for each in broken),
        "ConceptDriftDetected": ", ".join(_unexpected_in_words(metric, truth) for metric in unexpected),
    }
    announced = tuple(
        event
        for event, reason in reasons.items()
        if reason
        and _announced(event, f"{reason}, by {_labels_in_words(found)}", found, release, policy, now, reviewing)
    )
    reason = "; ".join(reason for reason in reasons.values() if reason)
    return replace(
        nothing, broken=broken, unexpected=unexpected, announced=announced, reason=reason or "as good as expected"
    )


def _unexpected(truth: RealisedGroup, policy: Policy) -> tuple[Metric, ...]:
    """Return what differs from its estimate by more than chance, all looks of a year and all metrics together."""
    limits = replace(policy.drift, every_minutes=policy.performance.every_minutes)
    level = alarm_level(limits, max(len(truth.chances), 1))
    return tuple(metric for metric, chance in truth.chances.items() if chance < level)


def _announced(
    event: str,
    reason: str,
    found: Performance,
    release: Release,
    policy: Policy,
    now: datetime,
    reviewing: Reviewing,
) -> bool:
    details: Mapping[str, Detail] = {
        "rows": found.realised.rows,
        "labelled_rows": found.realised.labelled_rows,
        "labels_selected": found.selection.is_biased,
        "reason": reason,
    }
    drifted = event == "ConceptDriftDetected"
    announcement = Announcement(
        endpoint=policy.endpoint,
        release=release,
        deed="concept" if drifted else "realised",
        event=event,
        action=Action.CONCEPT_DRIFT_DETECTED if drifted else Action.PERFORMANCE_DROPPED,
        actor="review_performance",
        details=details if drifted else {**details, "realised": True},
        cooling=timedelta(minutes=policy.performance.window_minutes),
    )
    return announce(
        announcement, at=now, rollouts=reviewing.reading.rollouts, ledger=reviewing.ledger, events=reviewing.events
    )


def _labels_in_words(found: Performance) -> str:
    truth = found.realised
    selected = ", which are not of the same kind as the rest" if found.selection.is_biased else ""
    return f"the labels of {truth.labelled_rows} of {truth.rows} rows{selected}"


def _broken_in_words(broken: BrokenFloor) -> str:
    floor, true = broken.floor, broken.estimate
    below = floor.minimum is not None and true.high < floor.minimum
    limit = f"minimum {floor.minimum:g}" if below else f"maximum {floor.maximum:g}"
    return f"{floor.metric} is {true.value:.3f} ({true.low:.3f} to {true.high:.3f}, {limit})"


def _unexpected_in_words(metric: Metric, truth: RealisedGroup) -> str:
    expected = truth.expected[metric]
    return (
        f"{metric} is {truth.realised[metric].value:.3f}, where {expected.low:.3f} to {expected.high:.3f} was "
        "expected of the same rows"
    )
