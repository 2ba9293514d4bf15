"""What an endpoint declares about itself: owners, gates, rollout plan, drift limits, retraining rules.

A policy is versioned by its digest. A rollout pins the policy it started under; fields that do not serve take effect
at once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from serinus.domain.alarm_limits import AlarmLimits
from serinus.domain.comparison_plan import DEFAULT_COMPARISON, ComparisonPlan
from serinus.domain.data_limits import DEFAULT_DATA_LIMITS, DataLimits
from serinus.domain.metric import MetricGate
from serinus.domain.model_gates import (
    DEFAULT_FOOTPRINT,
    DEFAULT_PARITY,
    DEFAULT_STABILITY,
    Behaviour,
    FairnessRule,
    FootprintLimits,
    ParityLimits,
    StabilityLimits,
)
from serinus.domain.rollout_plan import RolloutPlan, ShadowPlan
from serinus.domain.serving import LogInputs, Serving
from serinus.domain.task import Target, Task

EndpointName = NewType("EndpointName", str)


@dataclass(frozen=True)
class Slicing:
    """A column of the held-out rows, by whose values the gated metrics are taken slice by slice.

    Attributes:
        edges: where a column of numbers is cut, rising; without them each value is a slice.
        guarded: whether a slice fails that is beyond a gate's limit, or worse than with the stable model, where that
            is beyond chance.
        profiled: whether live traffic is profiled slice by slice as well; the column must be a feature.
    """

    column: str
    edges: tuple[float, ...] = ()
    guarded: bool = False
    profiled: bool = False


class Baseline(StrEnum):
    """What a live window is compared with: the rows that the model was validated on, or last week's traffic."""

    REFERENCE = "reference"
    SAME_HOURS_LAST_WEEK = "same_hours_last_week"


@dataclass(frozen=True)
class DriftLimits:
    """When live traffic counts as drifted from the reference profile: beyond chance, and of practical size.

    Attributes:
        every_minutes: how often the schedule looks.
        window_minutes: how much of the recent past is looked at.
        minimum_rows: a window with fewer rows says nothing.
        false_alarms_per_year: how many shifts the whole endpoint may take for drift in a year that has none, all
            features and all looks together.
        feature_psi: the population stability index above which a feature's shift is of practical size.
        features: how many features must have drifted.
        score_psi: the same for the predictions; the predictions alone suffice.
        joint_psi: the same for rows along their principal components, or off them; these alone suffice as well.
        share_change: how much the share of missing values, or of values outside the reference, must have changed.
        compare_with: what the window is compared with. Against last week, whatever lasts longer is no drift.
    """

    every_minutes: int = 60
    window_minutes: int = 1_440
    minimum_rows: int = 1_000
    false_alarms_per_year: float = 1.0
    feature_psi: float = 0.1
    features: int = 1
    score_psi: float = 0.1
    joint_psi: float = 0.1
    share_change: float = 0.05
    compare_with: Baseline = Baseline.REFERENCE


@dataclass(frozen=True)
class PerformanceLimits:
    """When a release counts as no longer good enough, judged without labels.

    Attributes:
        every_minutes: how often the schedule looks.
        window_minutes: how much of the recent past is estimated.
        minimum_rows: a window with fewer rows says nothing.
        confidence: of the interval that an estimate comes with.
        floors: what must hold; a floor is broken where the whole interval lies beyond it. Where none are declared,
            the gates that a model must pass are the floors.
        labels_window_minutes: how far back predictions are held against the labels that have come for them.
    """

    every_minutes: int = 60
    window_minutes: int = 1_440
    minimum_rows: int = 1_000
    confidence: float = 0.99
    floors: tuple[MetricGate, ...] = ()
    labels_window_minutes: int = 10_080


@dataclass(frozen=True)
class Retraining:
    """How the endpoint retrains itself when it has drifted.

    Attributes:
        recipe: the name of the training recipe.
        window_minutes: how far back labelled predictions are taken from.
        minimum_rows: how many labelled rows a snapshot needs.
        holdout_share: the most recent share of them, kept for validation.
        labelled_share: the share of the drifted window's rows whose labels must have come.
        labels_wait_minutes: how long to wait for labels before giving up.
    """

    recipe: str = "gradient_boosting"
    window_minutes: int = 43_200
    minimum_rows: int = 1_000
    holdout_share: float = 0.25
    labelled_share: float = 0.5
    labels_wait_minutes: int = 10_080


@dataclass(frozen=True)
class LabelJoin:
    """How labels find their predictions: by request id and row number, or by a column that requests carry.

    Attributes:
        id_column: the column that names a row in requests and in label files. It goes into the log, so a change of
            it is a new release.
    """

    id_column: str | None = None


@dataclass(frozen=True)
class Keeping:
    """Which releases are kept.

    Attributes:
        keep: how many of the releases that served all traffic last can be rolled back to, the live one among them.
    """

    keep: int = 10


@dataclass(frozen=True)
class Policy:
    """Everything an endpoint declares."""

    endpoint: EndpointName
    owners: tuple[str, ...]
    description: str = ""
    serving: Serving = field(default_factory=Serving)
    gates: tuple[MetricGate, ...] = ()
    slices: tuple[Slicing, ...] = ()
    data: DataLimits = DEFAULT_DATA_LIMITS
    comparison: ComparisonPlan = DEFAULT_COMPARISON
    fairness: tuple[FairnessRule, ...] = ()
    stability: StabilityLimits = DEFAULT_STABILITY
    behaviour: tuple[Behaviour, ...] = ()
    parity: ParityLimits = DEFAULT_PARITY
    footprint: FootprintLimits = DEFAULT_FOOTPRINT
    operating_threshold: float = 0.5
    task: Task = Task.BINARY
    classes: tuple[str, ...] = ()
    rollout: RolloutPlan = field(default_factory=RolloutPlan)
    drift: DriftLimits = DriftLimits()
    performance: PerformanceLimits = PerformanceLimits()
    retraining: Retraining | None = None
    labels: LabelJoin = LabelJoin()
    releases: Keeping = Keeping()
    alarms: AlarmLimits = field(default_factory=AlarmLimits)

    @property
    def target(self) -> Target:
        """What the endpoint's models predict."""
        return Target(self.task, self.classes)

    @property
    def logs_whole_requests(self) -> bool:
        """Whether the log holds all that is needed to ask a request again, of some requests at least."""
        return self.serving.log_inputs is not LogInputs.NONE and not self.serving.personal

    @property
    def shadow(self) -> ShadowPlan | None:
        """What precedes the first step of a rollout, if anything does.

        A shadow risks nothing and costs a few hundred invocations, so it is there unless the policy leaves it out or
        keeps inputs out of the log; it then takes no more than a quarter of the rollout's time.
        """
        plan = self.rollout.shadow
        if plan is not None:
            return plan if plan.requests else None
        if not self.logs_whole_requests:
            return None
        usual = ShadowPlan()
        return dataclasses.replace(
            usual, horizon_seconds=min(usual.horizon_seconds, self.rollout.horizon_seconds // 4)
        )

    @property
    def looked_at(self) -> frozenset[str]:
        """The columns of the held-out rows by which a model, or the rows themselves, are judged, features or not."""
        slices = {slicing.column for slicing in self.slices}
        groups = {rule.column for rule in self.fairness}
        chosen = {column for test in self.behaviour for column in test.where}
        of_rows = (self.data.time_column, self.data.id_column, self.labels.id_column)
        return frozenset(slices | groups | chosen | {column for column in of_rows if column is not None})

    @property
    def floors(self) -> tuple[MetricGate, ...]:
        """What performance is held against: estimated, where the task is binary, and by the labels that come late."""
        return self.performance.floors or self.gates

    @property
    def digest(self) -> str:
        """The policy's version: a digest of everything it says."""
        canonical = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
