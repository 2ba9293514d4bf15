"""How good was each release in production: by the labels that have come, and by estimate while they have not?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from serinus.domain.bins import NumericBins
from serinus.domain.label_files import LABEL, LabelsRead
from serinus.domain.metric import Metric
from serinus.domain.performance_estimate import PerformanceEstimate, calibrate
from serinus.domain.policy import Policy
from serinus.domain.quality import ScoreTable, measure, score_table
from serinus.domain.realised import (
    LabelSelection,
    RealisedGroup,
    ScoredRows,
    Yardstick,
    design_effect_of,
    label_selection,
)
from serinus.domain.realised_tasks import logged_answers
from serinus.domain.rollout import Release
from serinus.domain.slices import slices_of
from serinus.domain.table import Column, Table
from serinus.domain.target_values import late_labels
from serinus.domain.task import Task
from serinus.errors import DataRefused
from serinus.use_cases.estimate_performance import estimate_of
from serinus.use_cases.live_window import LiveWindow, live_window
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.registry import References
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.watching import Labels, ProfileParts

_OWN = ("_at", "_inputs", "_score")
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Performance:
    """What one release did in a window.

    Attributes:
        metrics: by the labels; empty where no labels of both classes have come.
        estimated: of all rows scored, by their scores alone.
        realised: the labelled rows, with intervals, beside what was expected of them.
        days: the same by day of UTC.
        slices: the same by each column that the policy slices by, of the rows whose inputs were logged.
        notes: why it is not, by a column that requests do not carry; and what else of the labels does not count.
        selection: whether labels came for the same kind of rows as the rest.
    """

    release: int
    model_version: int
    requests: int
    failures: int
    latency_p95_ms: float | None
    labelled_rows: int
    metrics: Mapping[Metric, float]
    estimated: PerformanceEstimate
    realised: RealisedGroup
    days: tuple[RealisedGroup, ...] = ()
    slices: Mapping[str, tuple[RealisedGroup, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    selection: LabelSelection = field(default_factory=LabelSelection)


@dataclass(frozen=True)
class MeasuredPerformance:
    """What every release did in a window, and what was found in the label files."""

    releases: tuple[Performance, ...]
    labels: LabelsRead


@dataclass(frozen=True)
class Measuring:
    """What measuring needs of the world."""

    policies: Policies
    rollouts: Rollouts
    references: References
    parts: ProfileParts
    labels: Labels


def measure_performance(
    endpoint: str, *, start: datetime, end: datetime, measuring: Measuring
) -> MeasuredPerformance:
    """Return the performance of every release, by its number, on what was asked in [start, end).

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = measuring.policies.get(endpoint)
    releases = {release.number: release for release in measuring.rollouts.releases(endpoint)}
    columns = (*_OWN, *(slicing.column for slicing in policy.slices))
    joined = measuring.labels.join(
        endpoint,
        list(releases),
        start,
        end,
        columns=columns,
        task=policy.task,
        id_column=policy.labels.id_column,
    )
    windows = _windows(releases.values(), start, end, measuring)
    return MeasuredPerformance(
        tuple(
            _performance(window, joined.by_release[window.release.number], policy, measuring) for window in windows
        ),
        joined.read,
    )


def _windows(
    releases: Iterable[Release], start: datetime, end: datetime, measuring: Measuring
) -> Iterator[LiveWindow]:
    for release in releases:
        reference = measuring.references.get(release.endpoint, release.content_digest)
        if reference is not None:
            yield live_window(release, reference, parts=measuring.parts, start=start, end=end)


def _performance(window: LiveWindow, records: Table, policy: Policy, measuring: Measuring) -> Performance:
    release, profile, bins = window.release, window.profile, window.reference.layout.score
    held_out = measuring.references.held_out(release.endpoint, release.content_digest)
    scored = records.take(np.flatnonzero(~np.isnan(np.asarray(records.columns["_score"], dtype=np.float64))))
    rows = _rows(scored, policy)
    yardstick = _yardstick(rows, bins, held_out, policy)
    answered = rows.take(rows.came)
    slices, notes = _sliced(yardstick, scored, policy)
    return Performance(
        release.number,
        release.model_version,
        profile.requests,
        profile.failures,
        profile.latency_ms(0.95),
        len(answered.scores),
        _metrics(answered, bins, policy),
        estimate_of(window, held_out, policy),
        yardstick.group("all", rows),
        tuple(yardstick.group(name, rows.take(places)) for name, places in _days(rows)),
        slices,
        (*notes, *_of_no_class(scored.columns[LABEL], rows, policy)),
        label_selection(rows, bins),
    )


def _sliced(
    yardstick: Yardstick, scored: Table, policy: Policy
) -> tuple[Mapping[str, tuple[RealisedGroup, ...]], tuple[str, ...]]:
    """Measure the policy's slices, on the rows whose inputs were logged; say which cannot be."""
    logged = scored.take(np.flatnonzero(np.asarray(scored.columns["_inputs"], dtype=np.float64) == 1))
    rows, found, notes = _rows(logged, policy), dict[str, tuple[RealisedGroup, ...]](), list[str]()
    for slicing in policy.slices if logged.rows else ():
        if slicing.column not in logged.columns:
            notes.append(f"requests carry no {slicing.column!r}, so there is nothing to tell of its [[slices]]")
            continue
        try:
            slices = slices_of(slicing, logged, file="the log")
        except DataRefused as refusal:
            notes.append(str(refusal))
            continue
        found[slicing.column] = tuple(yardstick.group(name, rows.take(places)) for name, places in slices.items())
    return found, tuple(notes)


def _of_no_class(labels: Column, rows: ScoredRows, policy: Policy) -> Iterator[str]:
    """Say how many labels name a class that the policy does not know; they count as not come."""
    if policy.task is Task.MULTICLASS:
        came = sum(value is not None and value == value for value in labels.tolist())  # NaN is none
        if strange := came - int(rows.came.sum()):
            yield f"{strange:,} of {came:,} labels name none of the policy's classes, and count as not come"


def _yardstick(rows: ScoredRows, bins: NumericBins, held_out: ScoreTable | None, policy: Policy) -> Yardstick:
    return Yardstick(
        bins,
        None if held_out is None else calibrate(held_out),
        policy.operating_threshold,
        policy.performance.confidence,
        design_effect_of(rows, bins, policy.target),
        policy.target,
    )


def _metrics(rows: ScoredRows, bins: NumericBins, policy: Policy) -> Mapping[Metric, float]:
    if policy.task is Task.BINARY:
        return measure(score_table(bins, rows.scores, rows.labels), policy.operating_threshold)
    return logged_answers(policy.target, rows.scores, rows.labels, policy.operating_threshold).measured()


def _rows(records: Table, policy: Policy) -> ScoredRows:
    at, scores = (np.asarray(records.columns[name], dtype=np.float64) for name in ("_at", "_score"))
    return ScoredRows(at, scores, late_labels(records.columns[LABEL], policy.target))


def _days(rows: ScoredRows) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    days = (rows.at // _DAY_SECONDS).astype(np.int64)
    for day in np.unique(days).tolist():
        yield f"{datetime.fromtimestamp(day * _DAY_SECONDS, UTC):%Y-%m-%d}", np.flatnonzero(days == day)
