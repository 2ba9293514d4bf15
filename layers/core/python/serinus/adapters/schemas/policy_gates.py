"""The tables of a policy file that demand something of a model besides its metrics; see `domain.model_gates`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from serinus.adapters.schemas.strict import Column, Strict
from serinus.domain.metric import Metric
from serinus.domain.model_gates import MustNot

MAXIMUM_FAIRNESS_RULES = 10
MAXIMUM_BEHAVIOURS = 20  # each asks the model about some thousand rows
_MAXIMUM_EDGES = 19
_MAXIMUM_VALUES = 20
_MAXIMUM_ROWS = 20  # a policy is a parameter of eight kilobytes

_Share = Annotated[float, Field(strict=True, ge=0, le=1)]
_Noise = Annotated[float, Field(strict=True, gt=0, le=10)]
_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Text = Annotated[str, Field(strict=True, max_length=200)]


def _plain(value: object) -> object:
    """TOML's true and false are 1 and 0 in a table, and a whole number is a number."""
    return float(value) if isinstance(value, (bool, int)) else value


def _several(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else (value,)


_Value = Annotated[_Text | _Finite, BeforeValidator(_plain)]
_Values = Annotated[tuple[_Value, ...], BeforeValidator(_several), Field(min_length=1, max_length=_MAXIMUM_VALUES)]
_Where = Annotated[dict[Column, _Values], Field(max_length=10)]
_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^:]+$")]


class Fairness(Strict):
    """`[[fairness]]`."""

    column: Column
    edges: Annotated[tuple[_Finite, ...], Field(max_length=_MAXIMUM_EDGES)] = ()
    minimum_rows: Annotated[int, Field(strict=True, ge=1)] = 30
    maximum_selection_rate_gap: _Share | None = None
    maximum_true_positive_rate_gap: _Share | None = None
    maximum_false_positive_rate_gap: _Share | None = None

    @model_validator(mode="after")
    def _edges_rise(self) -> Fairness:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"edges are {list(self.edges)}: they must rise")
        return self


class Stability(Strict):
    """`[stability]`."""

    noise: _Noise = 0.01
    maximum_flipped_share: _Share | None = None
    maximum_flipped_share_when_missing: _Share | None = None


class _Invariance(Strict):
    kind: Literal["invariance"]
    name: _Name
    column: Column
    maximum_change: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
    values: Annotated[tuple[_Value, ...], Field(max_length=_MAXIMUM_VALUES)] = ()
    noise: _Noise | None = None
    tolerated_share: _Share = 0.0
    where: _Where = Field(default_factory=dict)

    @model_validator(mode="after")
    def _changes_in_one_way(self) -> _Invariance:
        if bool(self.values) is (self.noise is not None):
            raise ValueError(f"{self.name!r} takes either values, to set {self.column!r} to, or noise")
        return self


class _Direction(Strict):
    kind: Literal["direction"]
    name: _Name
    column: Column
    by: _Finite
    must_not: MustNot
    tolerance: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] = 1e-6
    tolerated_share: _Share = 0.0
    where: _Where = Field(default_factory=dict)

    @model_validator(mode="after")
    def _moves(self) -> _Direction:
        if self.by == 0:
            raise ValueError(f"{self.name!r} changes {self.column!r} by 0, which moves nothing: say by how much")
        return self


class _Minimum(Strict):
    kind: Literal["minimum"]
    name: _Name
    where: _Where = Field(default_factory=dict)
    rows: Annotated[tuple[dict[Column, _Value], ...], Field(max_length=_MAXIMUM_ROWS)] = ()
    minimum_score: _Finite | None = None
    maximum_score: _Finite | None = None
    tolerated_share: _Share = 0.0
    metric: Metric | None = None
    minimum: _Finite | None = None
    maximum: _Finite | None = None

    @model_validator(mode="after")
    def _asks_about_some_rows(self) -> _Minimum:
        if bool(self.rows) is bool(self.where):
            raise ValueError(f"{self.name!r} takes either where, to choose held-out rows by, or rows")
        return self

    @model_validator(mode="after")
    def _has_a_limit(self) -> _Minimum:
        of_scores = self.minimum_score is not None or self.maximum_score is not None
        of_metric = self.minimum is not None or self.maximum is not None
        if of_scores is of_metric or of_metric is not (self.metric is not None):
            raise ValueError(
                f"{self.name!r} takes either minimum_score or maximum_score, or a metric with its minimum or maximum"
            )
        if self.metric is not None and self.rows:
            raise ValueError(
                f"{self.name!r} measures {self.metric}, which takes labels: choose held-out rows by where"
            )
        for low, high in ((self.minimum_score, self.maximum_score), (self.minimum, self.maximum)):
            if low is not None and high is not None and low > high:
                raise ValueError(f"{self.name!r} has its minimum above its maximum: no model can pass")
        return self


Behaviour = Annotated[_Invariance | _Direction | _Minimum, Field(discriminator="kind")]


class Parity(Strict):
    """`[parity]`."""

    maximum_difference: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] = 1e-5


class Footprint(Strict):
    """`[footprint]`."""

    maximum_model_mb: Annotated[float, Field(strict=True, gt=0, le=200)] | None = None
    maximum_memory_mb: Annotated[float, Field(strict=True, gt=0, le=10_240)] | None = None
    maximum_row_latency_ms: Annotated[float, Field(strict=True, gt=0, le=29_000)] | None = None
    minimum_rows_per_second: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None


def declared_twice(names: list[str]) -> str | None:
    """Return the first name, in order, that is there more than once."""
    return next((name for name in sorted(names) if names.count(name) > 1), None)
