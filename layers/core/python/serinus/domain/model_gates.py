"""What a policy demands of a model besides its metrics: fairness, stability, behaviour, parity, footprint.

The policy declares these, so this module imports none of it; nor numpy, without which policies are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Value = str | float
Conditions = Mapping[str, tuple[Value, ...]]  # of a row: each named column holds one of the values


@dataclass(frozen=True)
class FairnessRule:
    """By which groups decisions are compared, and how far their rates may lie apart; `None` is told and not judged.

    Attributes:
        column: of the held-out rows, a feature or not; its values are the groups.
        edges: where a column of numbers is cut, rising; without them each value is a group.
        minimum_rows: with fewer rows (positives, negatives) a group's rate is told and not judged.
        maximum_selection_rate_gap: of the shares that are flagged (demographic parity).
        maximum_true_positive_rate_gap: of the shares of the positives that are flagged (equal opportunity).
        maximum_false_positive_rate_gap: of the shares of the negatives that are flagged.
    """

    column: str
    edges: tuple[float, ...] = ()
    minimum_rows: int = 30
    maximum_selection_rate_gap: float | None = None
    maximum_true_positive_rate_gap: float | None = None
    maximum_false_positive_rate_gap: float | None = None

    @property
    def judges(self) -> bool:
        """Whether any gap can fail."""
        gaps = (
            self.maximum_selection_rate_gap,
            self.maximum_true_positive_rate_gap,
            self.maximum_false_positive_rate_gap,
        )
        return any(gap is not None for gap in gaps)


@dataclass(frozen=True)
class StabilityLimits:
    """How inputs are perturbed, and how many decisions that may flip; `None` is told and not judged.

    Attributes:
        noise: that numbers are moved by, in each feature's standard deviations.
        maximum_flipped_share: of the rows, where noise moves all numbers at once.
        maximum_flipped_share_when_missing: of the rows, where any one feature is missing.
    """

    noise: float = 0.01
    maximum_flipped_share: float | None = None
    maximum_flipped_share_when_missing: float | None = None


class MustNot(StrEnum):
    """Which way a score must not go."""

    FALL = "fall"
    RISE = "rise"


@dataclass(frozen=True)
class Invariance:
    """A feature that the score must not depend on: it is set to each of the values, or moved by noise.

    Attributes:
        name: what must hold, in a few words.
        column: the feature.
        values: each of which it is set to, in every row.
        noise: in the feature's standard deviations, in place of values.
        maximum_change: of a row's score.
        tolerated_share: of the rows that may change by more.
        where: which held-out rows are asked about; all where there are no conditions.
    """

    name: str
    column: str
    maximum_change: float
    values: tuple[Value, ...] = ()
    noise: float | None = None
    tolerated_share: float = 0.0
    where: Conditions = field(default_factory=dict)
    kind: Literal["invariance"] = "invariance"


@dataclass(frozen=True)
class Direction:
    """A feature that the score must follow: moved by so much, it must not fall, or not rise.

    Attributes:
        name: what must hold, in a few words.
        column: the feature, a number.
        by: what is added to it; negative to lower it.
        must_not: which way the score must not go.
        tolerance: how far it may go that way all the same.
        tolerated_share: of the rows that may go further.
        where: which held-out rows are asked about; all where there are no conditions.
    """

    name: str
    column: str
    by: float
    must_not: MustNot
    tolerance: float = 1e-6
    tolerated_share: float = 0.0
    where: Conditions = field(default_factory=dict)
    kind: Literal["direction"] = "direction"


@dataclass(frozen=True)
class Minimum:
    """Rows that a model must get right, given in the policy or chosen from the held-out ones.

    Attributes:
        name: what must hold, in a few words.
        where: which held-out rows; without conditions, `rows` are asked about.
        rows: given by feature; a feature that is left out is missing.
        minimum_score: of each row.
        maximum_score: of each row.
        tolerated_share: of the rows that may lie beyond these.
        metric: of the chosen rows together, in place of their scores.
        minimum: of the metric.
        maximum: of the metric.
    """

    name: str
    where: Conditions = field(default_factory=dict)
    rows: tuple[Mapping[str, Value], ...] = ()
    minimum_score: float | None = None
    maximum_score: float | None = None
    tolerated_share: float = 0.0
    metric: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    kind: Literal["minimum"] = "minimum"


Behaviour = Invariance | Direction | Minimum


@dataclass(frozen=True)
class ParityLimits:
    """How far served scores may lie from what the framework said of the same rows, where an upload says that."""

    maximum_difference: float = 1e-5


@dataclass(frozen=True)
class FootprintLimits:
    """What a model may weigh and take; `None` is told, and judged only by what no function could carry.

    Attributes:
        maximum_model_mb: of the file that is served, in millions of bytes.
        maximum_memory_mb: that loading and running it adds to a process; never more than `serving.memory_mb`.
        maximum_row_latency_ms: of a single row at the 95th percentile, the model alone.
        minimum_rows_per_second: in a batch.
    """

    maximum_model_mb: float | None = None
    maximum_memory_mb: float | None = None
    maximum_row_latency_ms: float | None = None
    minimum_rows_per_second: float | None = None


DEFAULT_STABILITY, DEFAULT_PARITY, DEFAULT_FOOTPRINT = StabilityLimits(), ParityLimits(), FootprintLimits()
