"""What an endpoint declares about itself: owners, gates, rollout plan, drift limits, retraining rules.

A policy is versioned by its digest. A rollout pins the policy it started under; fields that do not serve take effect
at once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from serinus.domain.alarm_limits import AlarmLimits
from serinus.domain.comparison_plan import DEFAULT_COMPARISON, ComparisonPlan
from serinus.domain.data_limits import DEFAULT_DATA_LIMITS, DataLimits
from serinus.domain.guard import DEFAULT_GUARDS, Guard
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
from serinus.domain.task import Target, Task

EndpointName = NewType("EndpointName", str)


class Authorisation(StrEnum):
    """Who may call the endpoint.

    IAM: whoever signs the request with AWS credentials that allow it. JWT: whoever shows a JSON Web Token of the
    policy's issuer. TOKEN: whoever shows a bearer token that `serinus token` made. OPEN: anybody.
    """

    IAM = "iam"
    JWT = "jwt"
    TOKEN = "token"  # noqa: S105 - no secret
    OPEN = "open"


class LogInputs(StrEnum):
    """Whether prediction records carry the rows that were asked about."""

    ALL = "all"
    SAMPLE = "sample"
    NONE = "none"


class WhenUndecided(StrEnum):
    """What becomes of a rollout whose horizon passes without a decision."""

    RETURN = "return"
    PROMOTE = "promote"


class WhenBusy(StrEnum):
    """What becomes of a rollout that finds another one of its endpoint under way."""

    WAIT = "wait"
    REFUSE = "refuse"


class Metric(StrEnum):
    """What a metric gate measures on a held-out snapshot.

    All lie in [0, 1] but the log loss, which is in nats, and those of a regression: R² is at most 1, the others are
    in the target's units.
    """

    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"
    LOG_LOSS = "log_loss"
    EXPECTED_CALIBRATION_ERROR = "expected_calibration_error"
    MACRO_ROC_AUC = "macro_roc_auc"
    WEIGHTED_ROC_AUC = "weighted_roc_auc"
    MACRO_F1 = "macro_f1"
    BALANCED_ACCURACY = "balanced_accuracy"
    WORST_CLASS_RECALL = "worst_class_recall"
    TOP_LABEL_CALIBRATION_ERROR = "top_label_calibration_error"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"
    MEDIAN_ABSOLUTE_ERROR = "median_absolute_error"
    ABSOLUTE_BIAS = "absolute_bias"

    @property
    def tasks(self) -> frozenset[Task]:
        """Of which tasks it is a metric."""
        return frozenset(task for task, metrics in METRICS.items() if self in metrics)

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return self is not Metric.LOG_LOSS and Task.REGRESSION not in self.tasks

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric counts what is wrong."""
        return self in {
            Metric.LOG_LOSS,
            Metric.EXPECTED_CALIBRATION_ERROR,
            Metric.TOP_LABEL_CALIBRATION_ERROR,
            Metric.RMSE,
            Metric.MAE,
            Metric.MEDIAN_ABSOLUTE_ERROR,
            Metric.ABSOLUTE_BIAS,
        }

    @property
    def needs_labels(self) -> bool:
        """Whether scores alone tell nothing of it: an estimate without labels takes binary, calibrated scores."""
        return self is Metric.EXPECTED_CALIBRATION_ERROR or Task.BINARY not in self.tasks

    @property
    def is_inflated(self) -> bool:
        """Whether few rows make it look larger than it is, and resampling still more so: no slice is judged by it."""
        return self in {Metric.EXPECTED_CALIBRATION_ERROR, Metric.TOP_LABEL_CALIBRATION_ERROR}

    @property
    def tells_skill(self) -> bool:
        """Whether a model that says the same of every row, where positives are rare, fails by it."""
        return not self.is_inflated and self not in {Metric.ACCURACY, Metric.ABSOLUTE_BIAS}


METRICS: Mapping[Task, tuple[Metric, ...]] = {
    Task.BINARY: (
        Metric.ROC_AUC,
        Metric.AVERAGE_PRECISION,
        Metric.PRECISION,
        Metric.RECALL,
        Metric.F1,
        Metric.ACCURACY,
        Metric.LOG_LOSS,
        Metric.EXPECTED_CALIBRATION_ERROR,
    ),
    Task.MULTICLASS: (
        Metric.MACRO_ROC_AUC,
        Metric.WEIGHTED_ROC_AUC,
        Metric.LOG_LOSS,
        Metric.MACRO_F1,
        Metric.BALANCED_ACCURACY,
        Metric.WORST_CLASS_RECALL,
        Metric.ACCURACY,
        Metric.TOP_LABEL_CALIBRATION_ERROR,
    ),
    Task.REGRESSION: (
        Metric.RMSE,
        Metric.MAE,
        Metric.R2,
        Metric.MEDIAN_ABSOLUTE_ERROR,
        Metric.ABSOLUTE_BIAS,
    ),
}


@dataclass(frozen=True)
class JwtIssuer:
    """Whose JSON Web Tokens let a caller in.

    Attributes:
        issuer: the `iss` that tokens carry, an https address below which the issuer's keys are found.
        audience: a token's `aud` or `client_id` must be one of these.
        scopes: where any are named, a token must have one of them.
    """

    issuer: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Serving:
    """The policy's serving fields: a change of any of them is a new release.

    Attributes:
        snap_start: whether Lambda starts environments from a snapshot of an initialised one, which it takes when a
            release is published, and caches for a charge.
        jwt: whose tokens count, where `authorisation` is `jwt`.
        open_to_everybody: the sentence that a policy must say for `authorisation` to be `open`.
        throttle_callers: whether calls are counted, so that tokens can be bounded; then the authoriser is asked, and
            the table written, at each of them.
        log_inputs: whether the log carries the rows that were asked about. Where it does not, it carries their bin
            numbers, so that profiles are exact whatever is logged.
        log_share: of which share of requests, where `log_inputs` is `sample`.
        personal: the columns that are never logged.
    """

    memory_mb: int = 1024
    timeout_seconds: int = 10
    snap_start: bool = False
    authorisation: Authorisation = Authorisation.IAM
    jwt: JwtIssuer | None = None
    open_to_everybody: str | None = None
    throttle_callers: bool = False
    log_inputs: LogInputs = LogInputs.ALL
    log_share: float = 1.0
    personal: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetricGate:
    """A held-out metric must lie within [minimum, maximum].

    Attributes:
        worse_than_stable_by: how much worse than the stable model the candidate may be, on the same held-out rows;
            `None` where that is told and not judged.
    """

    metric: Metric
    minimum: float | None = None
    maximum: float | None = None
    worse_than_stable_by: float | None = None


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


@dataclass(frozen=True)
class HardAlarm:
    """The per-version alarm for catastrophe, which bypasses the evidence: more than this share of requests fails.

    Attributes:
        failing_share: of the candidate's requests within one period.
        minimum_requests: with fewer of them in the period, nothing is said.
        period_seconds: 10, 20, 30 or a multiple of 60.
    """

    failing_share: float = 0.5
    minimum_requests: int = 20
    period_seconds: int = 60


@dataclass(frozen=True)
class ShadowPlan:
    """How the candidate answers a copy of live requests before it gets traffic.

    Attributes:
        requests: how many it must have been asked; 0 to leave the shadow out.
        maximum_per_tick: how many it is asked at each look, one after the other.
        window_minutes: how far back before the rollout live requests are taken from.
        minimum_agreement: the share of rows that both releases must put on the same side of the operating threshold.
        maximum_slowdown: a request is slow where it takes longer than this times stable's 95th percentile.
        horizon_seconds: when the shadow is judged by what there is.
    """

    requests: int = 500
    maximum_per_tick: int = 200
    window_minutes: int = 1_440
    minimum_agreement: float = 0.8
    maximum_slowdown: float = 2.0
    horizon_seconds: int = 1_800


@dataclass(frozen=True)
class BadOutcome:
    """The binary outcome that the policy declares: a request is bad where any of its scores is at or beyond a limit.

    Exactly one of the two is given.
    """

    score_at_least: float | None = None
    score_at_most: float | None = None


class WrongLabel(StrEnum):
    """Which predictions late labels count as bad, at the operating threshold."""

    ANY = "any"
    FALSE_POSITIVE = "false_positive"
    FALSE_NEGATIVE = "false_negative"


@dataclass(frozen=True)
class RolloutPlan:
    """How a rollout shifts traffic, and what it judges.

    Attributes:
        steps: the candidate's share of traffic at each step, in percent, rising; 100 is implied at the end. None of
            them: chosen from the endpoint's traffic when a rollout starts.
        guards: the metrics that are judged; see `domain.guard`.
        outcome: what is bad, where the outcome is guarded.
        wrong_label: what is bad, where labels are guarded.
        score_shift_tolerance: how far the scores may shift for a promotion, in standard deviations of stable's;
            `None` where any shift is welcome, as a retrained model's may be.
        slo_latency_ms: answers up to this are never slow.
        tick_seconds: how often the rollout is looked at.
        watermark_seconds: how late a prediction may be collected; a tick is weighed once this has passed.
        horizon_seconds: when an undecided rollout ends.
        when_undecided: how it ends then.
        when_busy: what becomes of a rollout that finds another one under way.
        most_bad_requests: how many bad answers of a bad candidate the choice of steps may risk.
        alarm: the hard alarm.
        shadow: what precedes the first step; `None` where the policy does not say, see `Policy.shadow`.
    """

    steps: tuple[int, ...] = ()
    guards: tuple[Guard, ...] = DEFAULT_GUARDS
    outcome: BadOutcome | None = None
    wrong_label: WrongLabel = WrongLabel.ANY
    score_shift_tolerance: float | None = None
    slo_latency_ms: float = 100.0
    tick_seconds: int = 60
    watermark_seconds: int = 180
    horizon_seconds: int = 86_400
    when_undecided: WhenUndecided = WhenUndecided.RETURN
    when_busy: WhenBusy = WhenBusy.WAIT
    most_bad_requests: int = 100
    alarm: HardAlarm = HardAlarm()
    shadow: ShadowPlan | None = None


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
    serving: Serving = Serving()
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
    rollout: RolloutPlan = RolloutPlan()
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
        """The columns of the held-out rows by which a model is judged, features or not."""
        slices = {slicing.column for slicing in self.slices}
        groups = {rule.column for rule in self.fairness}
        return frozenset(slices | groups | {column for test in self.behaviour for column in test.where})

    @property
    def floors(self) -> tuple[MetricGate, ...]:
        """What performance is held against: estimated, where the task is binary, and by the labels that come late."""
        return self.performance.floors or self.gates

    @property
    def digest(self) -> str:
        """The policy's version: a digest of everything it says."""
        canonical = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
