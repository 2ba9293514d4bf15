"""Policy files: TOML as a person writes it, JSON as the parameter store keeps it, `Policy` as the domain knows it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from serinus.adapters.schemas import policy_gates
from serinus.adapters.schemas.faults import described
from serinus.adapters.schemas.policy_alarms import AlarmsTable
from serinus.adapters.schemas.policy_comparison import ComparisonTable
from serinus.adapters.schemas.policy_data import DataTable
from serinus.adapters.schemas.policy_rollout import RolloutTable
from serinus.adapters.schemas.policy_serving import ServingTable
from serinus.adapters.schemas.strict import Column, Strict
from serinus.domain.metric import Metric
from serinus.domain.policy import Baseline, Policy
from serinus.domain.serving import LogInputs
from serinus.domain.task import MOST_CLASSES, Task
from serinus.domain.task_rules import task_faults, telling_metrics
from serinus.errors import PolicyRefused

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_MAXIMUM_SLICINGS = 10  # each takes validation some seconds
_MAXIMUM_PROFILED = 3  # each lets profiles grow twentyfold
_MAXIMUM_EDGES = 19
_ClassName = Annotated[str, Field(min_length=1, max_length=200)]


class _LabelJoin(Strict):
    id_column: Column | None = None


class _Gate(Strict):
    metric: Metric
    minimum: Annotated[float, Field(strict=True, ge=0)] | None = None
    maximum: Annotated[float, Field(strict=True, ge=0)] | None = None
    worse_than_stable_by: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> _Gate:
        if self.minimum is None and self.maximum is None:
            raise ValueError(f"the gate on {self.metric} has no limit: give it a minimum or a maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"the gate on {self.metric} has its minimum above its maximum: no model can pass")
        return self


class _Slicing(Strict):
    column: Column
    edges: Annotated[
        tuple[Annotated[float, Field(strict=True, allow_inf_nan=False)], ...], Field(max_length=_MAXIMUM_EDGES)
    ] = ()
    guarded: Annotated[bool, Field(strict=True)] = False
    profiled: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _edges_rise(self) -> _Slicing:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"edges are {list(self.edges)}: they must rise")
        return self


class _Drift(Strict):
    every_minutes: Annotated[int, Field(strict=True, ge=1)] = 60
    window_minutes: Annotated[int, Field(strict=True, ge=1)] = 1_440
    minimum_rows: Annotated[int, Field(strict=True, ge=30)] = 1_000
    false_alarms_per_year: Annotated[float, Field(strict=True, gt=0, le=1_000)] = 1.0
    feature_psi: Annotated[float, Field(strict=True, gt=0)] = 0.1
    features: Annotated[int, Field(strict=True, ge=1)] = 1
    score_psi: Annotated[float, Field(strict=True, gt=0)] = 0.1
    joint_psi: Annotated[float, Field(strict=True, gt=0)] = 0.1
    share_change: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05
    compare_with: Baseline = Baseline.REFERENCE

    @model_validator(mode="after")
    def _last_week_had_the_same_hours(self) -> _Drift:
        day = 1_440
        if self.compare_with is Baseline.SAME_HOURS_LAST_WEEK and self.window_minutes not in (
            *range(day + 1),
            7 * day,
        ):
            raise ValueError(
                f'window_minutes is {self.window_minutes}, but compare_with = "same_hours_last_week" takes windows '
                f"of up to a day, {day}, or of a week, {7 * day}"
            )
        return self


class _Performance(Strict):
    every_minutes: Annotated[int, Field(strict=True, ge=1)] = 60
    window_minutes: Annotated[int, Field(strict=True, ge=1)] = 1_440
    minimum_rows: Annotated[int, Field(strict=True, ge=30)] = 1_000
    confidence: Annotated[float, Field(strict=True, ge=0.5, lt=1)] = 0.99
    floors: tuple[_Gate, ...] = ()
    labels_window_minutes: Annotated[int, Field(strict=True, ge=1, le=527_040)] = 10_080

    @model_validator(mode="after")
    def _floors_can_be_estimated(self) -> _Performance:
        if any(floor.worse_than_stable_by is not None for floor in self.floors):
            raise ValueError("worse_than_stable_by goes with [[gates]]: a floor is held against no other model")
        unknown = [floor.metric for floor in self.floors if floor.metric.needs_labels]
        if unknown:
            raise ValueError(f"{unknown[0]} takes labels to tell, so it cannot be a floor: make it a gate")
        return self


class _Retraining(Strict):
    recipe: str = "gradient_boosting"
    window_minutes: Annotated[int, Field(strict=True, ge=1)] = 43_200
    minimum_rows: Annotated[int, Field(strict=True, ge=50)] = 1_000
    holdout_share: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.25
    labelled_share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.5
    labels_wait_minutes: Annotated[int, Field(strict=True, ge=1)] = 10_080


class _Releases(Strict):
    keep: Annotated[int, Field(strict=True, ge=2, le=100)] = 10


class PolicyFile(Strict):
    """All that a policy file may say."""

    endpoint: str
    owners: Annotated[tuple[str, ...], Field(min_length=1)]
    description: str = ""
    task: Task = Task.BINARY
    classes: Annotated[tuple[_ClassName, ...], Field(max_length=MOST_CLASSES)] = ()
    operating_threshold: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.5
    serving: ServingTable = ServingTable()
    gates: Annotated[tuple[_Gate, ...], Field(min_length=1)]
    slices: Annotated[tuple[_Slicing, ...], Field(max_length=_MAXIMUM_SLICINGS)] = ()
    data: DataTable = DataTable()
    comparison: ComparisonTable = ComparisonTable()
    fairness: Annotated[tuple[policy_gates.Fairness, ...], Field(max_length=policy_gates.MAXIMUM_FAIRNESS_RULES)] = ()
    stability: policy_gates.Stability = policy_gates.Stability()
    behaviour: Annotated[tuple[policy_gates.Behaviour, ...], Field(max_length=policy_gates.MAXIMUM_BEHAVIOURS)] = ()
    parity: policy_gates.Parity = policy_gates.Parity()
    footprint: policy_gates.Footprint = policy_gates.Footprint()
    rollout: RolloutTable = RolloutTable()
    drift: _Drift = _Drift()
    performance: _Performance = _Performance()
    retraining: _Retraining | None = None
    labels: _LabelJoin = _LabelJoin()
    releases: _Releases = _Releases()
    alarms: AlarmsTable = AlarmsTable()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> PolicyFile:
        if not _NAME.fullmatch(self.endpoint):
            raise ValueError(
                f"endpoint is {self.endpoint!r}: use 2 to 32 lower-case letters, digits and hyphens, "
                "beginning with a letter"
            )
        if not any(gate.metric.tells_skill for gate in self.gates):
            named = " and ".join(dict.fromkeys(str(gate.metric) for gate in self.gates))
            raise ValueError(
                f"the only gate is on {named}, which a model that says the same of every row can pass: add "
                f"{telling_metrics(self.task)}"
            )
        return self

    @model_validator(mode="after")
    def _slices_by_each_column_once(self) -> PolicyFile:
        columns = [slicing.column for slicing in self.slices]
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise ValueError(f"[[slices]] names the column {twice[0]!r} twice: declare each once")
        if sum(slicing.profiled for slicing in self.slices) > _MAXIMUM_PROFILED:
            raise ValueError(
                f"profiles follow {_MAXIMUM_PROFILED} of [[slices]] at the most: say profiled less often"
            )
        return self

    @model_validator(mode="after")
    def _demands_each_thing_once(self) -> PolicyFile:
        column = policy_gates.declared_twice([rule.column for rule in self.fairness])
        if column is not None:
            raise ValueError(f"[[fairness]] names the column {column!r} twice: declare each once")
        name = policy_gates.declared_twice([behaviour.name for behaviour in self.behaviour])
        if name is not None:
            raise ValueError(f"[[behaviour]] has the name {name!r} twice: give each its own")
        return self

    @model_validator(mode="after")
    def _asks_for_nothing_that_the_log_does_not_hold(self) -> PolicyFile:
        if self.retraining and self.serving.log_inputs is LogInputs.NONE:
            raise ValueError("retraining needs logged inputs, but serving.log_inputs is 'none'")
        if self.retraining and self.serving.personal:
            raise ValueError(
                f"retraining needs every input of the log, but serving.personal keeps {self.serving.personal[0]!r} "
                "out of it"
            )
        if self.rollout.shadow and self.rollout.shadow.requests:
            lacks = "serving.log_inputs is 'none'" if self.serving.log_inputs is LogInputs.NONE else None
            if self.serving.personal:
                lacks = f"serving.personal keeps {self.serving.personal[0]!r} out of it"
            if lacks:
                raise ValueError(
                    f"a shadow needs every input of the log, but {lacks}: log it, or leave [rollout.shadow] out"
                )
        if self.labels.id_column in self.serving.personal:
            raise ValueError(f"labels.id_column is logged, but serving.personal holds {self.labels.id_column!r}")
        return self


_DOMAIN = TypeAdapter(Policy)


def parse_policy(document: object, *, source: str) -> Policy:
    """Turn a parsed document into a policy.

    Args:
        document: what the TOML file or the stored JSON holds.
        source: where it came from, for the message.

    Raises:
        PolicyRefused: naming each field that is wrong, and why.
    """
    try:
        file = PolicyFile.model_validate(document)
    except ValidationError as error:
        raise PolicyRefused(f"{source}: {described(error, whole='policy')}") from error
    policy = _DOMAIN.validate_python(file.model_dump())
    if fault := next(task_faults(policy), None):
        raise PolicyRefused(f"{source}: {fault}")
    return policy


def read_policy(path: Path) -> Policy:
    """Read `<endpoint>.toml`.

    Raises:
        PolicyRefused: the file is no TOML, a field is wrong, or the file's name is not the endpoint's.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{path.name} is not valid TOML: {error}") from error
    policy = parse_policy(document, source=path.name)
    if policy.endpoint != path.stem:
        raise PolicyRefused(
            f"{path.name} declares endpoint {policy.endpoint!r}: name the file {policy.endpoint}.toml"
        )
    return policy


def policy_json(policy: Policy) -> str:
    """Return the JSON that the parameter store keeps and `parse_policy` reads back."""
    return _DOMAIN.dump_json(policy).decode()
