"""A version's findings as a report shows them: read back from their numbers, never measured anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from serinus.cli.report_performance import floor_in_words
from serinus.domain.curves import ScoreGroup, precision_recall_curve, roc_curve, scores_by_class
from serinus.domain.gates import Finding
from serinus.domain.metric import Metric
from serinus.domain.model_version import ModelVersion
from serinus.domain.quality import CalibrationGroup, ScoreTable, calibration_curve
from serinus.use_cases.describe_validation import DescribedValidation

_OWN, _OF_VERSION = "its own rows", "rows of version "


@dataclass(frozen=True)
class MeasuredMetric:
    """A metric on the held-out rows, and the limits that the policy sets it now."""

    metric: Metric
    value: float
    limits: str


@dataclass(frozen=True)
class Compared:
    """A metric of the candidate and of stable on the same rows.

    Attributes:
        where: which rows.
        in_slice: whether these are one slice of the candidate's own.
        candidate: `None` in a slice, of which findings tell the difference only.
        stable: likewise.
        low: of the interval of candidate less stable.
        told: worse, better, or no difference, beyond chance.
        passed: whether the finding that tells it did.
    """

    metric: Metric
    where: str
    in_slice: bool
    candidate: float | None
    stable: float | None
    difference: float
    low: float
    high: float
    margin: float | None
    told: str
    passed: bool

    @property
    def reach(self) -> float:
        """How far the interval goes from zero; a picture of it needs some width."""
        return max(abs(self.low), abs(self.high), 1e-6)


@dataclass(frozen=True)
class SlicedMetric:
    """A metric slice by slice, the worst first."""

    metric: Metric
    column: str
    slices: tuple[tuple[str, float], ...]
    low: float
    high: float
    passed: bool

    @property
    def worst(self) -> str:
        """The worst slice's name; `low` and `high` are its interval."""
        return self.slices[0][0]


@dataclass(frozen=True)
class Curves:
    """What is drawn of a binary model's held-out rows."""

    calibration: tuple[CalibrationGroup, ...]
    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    scores: tuple[ScoreGroup, ...]


@dataclass(frozen=True)
class RegressionFit:
    """The mean target of each tenth of the rows, by the mean prediction."""

    points: tuple[tuple[float, float], ...]
    bias: float

    @property
    def low(self) -> float:
        """The least of all means."""
        return min(value for point in self.points for value in point)

    @property
    def high(self) -> float:
        """The greatest of all means, or a little above the least."""
        return max(max(value for point in self.points for value in point), self.low + 1e-9)

    @property
    def scaled(self) -> tuple[tuple[float, float], ...]:
        """The points between 0 and 1, as they are drawn."""
        reach = self.high - self.low
        return tuple(((x - self.low) / reach, (y - self.low) / reach) for x, y in self.points)


@dataclass(frozen=True)
class ClassFit:
    """Each class's recall, the worst first, and the share of right answers by the confidence in them."""

    recalls: tuple[tuple[str, float, int], ...]
    confidence: tuple[tuple[float, float], ...]


def regression_fit_of(version: ModelVersion) -> RegressionFit | None:
    """Return what is drawn of a regression; `None` of another task."""
    numbers = _numbers_of("errors", version)
    return RegressionFit(_pairs(numbers, "predicted", "actual"), numbers["bias"]) if numbers else None


def class_fit_of(version: ModelVersion) -> ClassFit | None:
    """Return what is drawn of a multi-class model; `None` of another task."""
    numbers = _numbers_of("classes", version)
    if not numbers:
        return None
    recalls = [
        (name.removeprefix("recall:"), value, round(numbers[f"rows:{name.removeprefix('recall:')}"]))
        for name, value in numbers.items()
        if name.startswith("recall:")
    ]
    worst_first = tuple(sorted(recalls, key=lambda each: each[1]))
    return ClassFit(worst_first, _pairs(numbers, "confidence", "correct"))


def _numbers_of(gate: str, version: ModelVersion) -> Mapping[str, float]:
    return next((finding.numbers for finding in version.findings if finding.gate == gate), {})


def _pairs(numbers: Mapping[str, float], across: str, up: str) -> tuple[tuple[float, float], ...]:
    groups = [name.removeprefix(f"{across}:") for name in numbers if name.startswith(f"{across}:")]
    return tuple((numbers[f"{across}:{group}"], numbers[f"{up}:{group}"]) for group in groups)


def metrics_of(described: DescribedValidation) -> tuple[MeasuredMetric, ...]:
    """Return every metric that was measured, in the order of `Metric`."""
    measured, gates = described.version.metrics, described.policy.gates
    return tuple(
        MeasuredMetric(metric, measured[metric], ", ".join(floor_in_words(g) for g in gates if g.metric is metric))
        for metric in Metric
        if metric in measured
    )


def comparisons_of(version: ModelVersion) -> tuple[Compared, ...]:
    """Return every comparison with stable: on the candidate's own rows, on the past's, and in each guarded slice."""
    return tuple(compared for finding in version.findings for compared in _comparisons(finding))


def by_metric(compared: Sequence[Compared]) -> Mapping[Metric, tuple[Compared, ...]]:
    """Group comparisons by their metric, each in its order."""
    ordered = sorted(compared, key=lambda each: list(Metric).index(each.metric))
    return {metric: tuple(group) for metric, group in groupby(ordered, key=lambda each: each.metric)}


def slices_of(version: ModelVersion) -> tuple[SlicedMetric, ...]:
    """Return each gated metric by each column that the policy slices by."""
    return tuple(
        _sliced(finding) for finding in version.findings if finding.gate.startswith("slice:") and finding.numbers
    )


def curves_of(table: ScoreTable) -> Curves:
    """Return what is drawn of held-out rows by score and label."""
    return Curves(calibration_curve(table), roc_curve(table), precision_recall_curve(table), scores_by_class(table))


def _comparisons(finding: Finding) -> list[Compared]:
    if not finding.gate.startswith("against_stable:") or "difference" not in finding.numbers:
        return []
    _, metric, *rest = finding.gate.split(":", 3)
    numbers = finding.numbers
    if rest[:1] != ["slice"]:
        where = f"{_OF_VERSION}{rest[0].rpartition('_')[2]}" if rest else _OWN
        both = (numbers["value"], numbers["stable"])
        return [_compared(finding, Metric(metric), where, "", both)]
    names = [name.removeprefix("difference:") for name in numbers if name.startswith("difference:")]
    return [_compared(finding, Metric(metric), f"{rest[1]} {name}", f":{name}", None) for name in names]


def _compared(
    finding: Finding, metric: Metric, where: str, suffix: str, both: tuple[float, float] | None
) -> Compared:
    difference, low, high = (finding.numbers[f"{each}{suffix}"] for each in ("difference", "low", "high"))
    least, most = (low, high) if metric.lower_is_better else (-high, -low)
    candidate, stable = both or (None, None)
    margin = finding.numbers.get("margin")
    return Compared(
        metric=metric,
        where=where,
        in_slice=bool(suffix),
        candidate=candidate,
        stable=stable,
        difference=difference,
        low=low,
        high=high,
        margin=margin,
        told="worse" if least > 0 else "better" if most < 0 else "no difference",
        passed=finding.passed or least <= (margin or 0.0),
    )


def _sliced(finding: Finding) -> SlicedMetric:
    column, _, metric_name = finding.gate.removeprefix("slice:").rpartition(":")
    metric, numbers = Metric(metric_name), finding.numbers
    values = [(name.removeprefix("value:"), value) for name, value in numbers.items() if name.startswith("value:")]
    side = -1 if metric.lower_is_better else 1
    return SlicedMetric(
        metric=metric,
        column=column,
        slices=tuple(sorted(values, key=lambda each: side * each[1])),
        low=numbers["low"],
        high=numbers["high"],
        passed=finding.passed,
    )
