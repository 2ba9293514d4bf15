"""The policy's table `[data]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from serinus.adapters.schemas.strict import Column, Strict
from serinus.domain.data_conditions import LONGEST, parse_condition
from serinus.domain.data_limits import ColumnKind, DataGate, Severity
from serinus.errors import PolicyRefused

_MOST_EXPECTATIONS = 100  # each takes the scan of a million rows some milliseconds
_MOST_COLUMNS = 500

_Share = Annotated[float, Field(strict=True, ge=0, le=1)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _DeclaredColumn(Strict):
    column: Column
    kind: ColumnKind | None = None
    minimum: _Number | None = None
    maximum: _Number | None = None
    categories: Annotated[tuple[str, ...], Field(max_length=1_000)] = ()
    missing_share: _Share | None = None
    severity: Severity = Severity.ERROR

    @model_validator(mode="after")
    def _fits_its_kind(self) -> _DeclaredColumn:
        bounded = self.minimum is not None or self.maximum is not None
        if self.categories and (bounded or self.kind is ColumnKind.NUMBER):
            raise ValueError(f"{self.column!r} has categories, which texts have, and what only numbers have")
        if bounded and self.kind is ColumnKind.TEXT:
            raise ValueError(f"{self.column!r} is a text, so it has no minimum and no maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"{self.column!r} has its minimum above its maximum: no row can pass")
        return self


class _Expectation(Strict):
    condition: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    column: Column | None = None
    tolerated_share: _Share = 0.0
    severity: Severity = Severity.ERROR

    @field_validator("condition")
    @classmethod
    def _can_be_read(cls, condition: str) -> str:
        try:
            parse_condition(condition)
        except PolicyRefused as refusal:
            raise ValueError(str(refusal)) from refusal
        return condition

    @model_validator(mode="after")
    def _is_about_its_column(self) -> _Expectation:
        if self.column is not None and self.column not in parse_condition(self.condition).columns:
            raise ValueError(f"the expectation of {self.column!r} does not name it: {self.condition!r}")
        return self


class DataTable(Strict):
    """What `[data]` may say."""

    minimum_rows: Annotated[int, Field(strict=True, ge=1)] = 50
    missing_share: _Share = 0.5
    duplicate_share: _Share = 0.2
    minority_share: Annotated[float, Field(strict=True, ge=0, le=0.5)] = 0.01
    leakage_auc: Annotated[float, Field(strict=True, gt=0.5, le=1)] = 0.99
    leakage_information: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.9
    overlap_share: _Share = 0.05
    maximum_age_hours: Annotated[float, Field(strict=True, gt=0)] | None = None
    time_column: Column | None = None
    id_column: Column | None = None
    skew_psi: Annotated[float, Field(strict=True, gt=0)] = 0.1
    severities: dict[DataGate, Severity] = Field(default_factory=dict)
    columns: Annotated[tuple[_DeclaredColumn, ...], Field(max_length=_MOST_COLUMNS)] = ()
    expectations: Annotated[tuple[_Expectation, ...], Field(max_length=_MOST_EXPECTATIONS)] = ()

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> DataTable:
        declared = [declared.column for declared in self.columns]
        expected = [expectation.column or expectation.condition for expectation in self.expectations]
        for table, names in (("columns", declared), ("expectations", expected)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"[[data.{table}]] has {twice[0]!r} twice: make it one")
        return self
