"""The policy's table `[rollout]`."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from pydantic import Field, TypeAdapter, model_validator

from serinus.adapters.schemas.strict import Strict
from serinus.domain.guard import DEFAULT_GUARDS, RolloutMetric
from serinus.domain.rollout_plan import WhenBusy, WhenUndecided, WrongLabel

_ALARM_PERIODS = (10, 20, 30)
_MAXIMUM_TICKS = (
    2_000  # one execution's history holds 25,000 events; a tick costs nine, and the wait for its turn some
)


class _Alarm(Strict):
    failing_share: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.5
    minimum_requests: Annotated[int, Field(strict=True, ge=1)] = 20
    period_seconds: Annotated[int, Field(strict=True, le=86_400)] = 60  # CloudWatch looks back no longer than a day

    @model_validator(mode="after")
    def _period_is_one_cloudwatch_takes(self) -> _Alarm:
        if self.period_seconds not in _ALARM_PERIODS and (self.period_seconds <= 0 or self.period_seconds % 60):
            raise ValueError(
                f"period_seconds is {self.period_seconds}: CloudWatch takes 10, 20, 30 or a multiple of 60"
            )
        return self


class _Shadow(Strict):
    requests: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 500
    maximum_per_tick: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 200
    window_minutes: Annotated[int, Field(strict=True, ge=0, le=44_640)] = 1_440
    minimum_agreement: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.8
    maximum_slowdown: Annotated[float, Field(strict=True, ge=1)] = 2.0
    horizon_seconds: Annotated[int, Field(strict=True, ge=0)] = 1_800


class _Guard(Strict):
    metric: RolloutMetric
    margin: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.005
    tolerance: Annotated[float, Field(strict=True, ge=1, le=10)] = 1.2
    guards_promotion: Annotated[bool, Field(strict=True)] = False


class _BadOutcome(Strict):
    score_at_least: Annotated[float, Field(strict=True)] | None = None
    score_at_most: Annotated[float, Field(strict=True)] | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> _BadOutcome:
        if (self.score_at_least is None) == (self.score_at_most is None):
            raise ValueError("[rollout.outcome] takes one limit: score_at_least or score_at_most")
        return self


_DEFAULT_GUARDS = TypeAdapter(tuple[_Guard, ...]).validate_python(
    [dataclasses.asdict(guard) for guard in DEFAULT_GUARDS]
)


class RolloutTable(Strict):
    """How traffic is shifted, and what is judged."""

    steps: tuple[Annotated[int, Field(strict=True, ge=1, le=99)], ...] = ()
    guards: Annotated[tuple[_Guard, ...], Field(min_length=1)] = _DEFAULT_GUARDS
    outcome: _BadOutcome | None = None
    wrong_label: WrongLabel = WrongLabel.ANY
    score_shift_tolerance: Annotated[float, Field(strict=True, gt=0, le=3)] | None = None
    slo_latency_ms: Annotated[float, Field(gt=0, le=29_000)] = 100.0
    tick_seconds: Annotated[int, Field(strict=True, ge=1)] = 60
    watermark_seconds: Annotated[int, Field(strict=True, ge=0)] = 180
    horizon_seconds: Annotated[int, Field(strict=True, ge=1)] = 86_400
    when_undecided: WhenUndecided = WhenUndecided.RETURN
    when_busy: WhenBusy = WhenBusy.WAIT
    most_bad_requests: Annotated[int, Field(strict=True, ge=1)] = 100
    alarm: _Alarm = _Alarm()
    shadow: _Shadow | None = None

    @model_validator(mode="after")
    def _guards_each_metric_once(self) -> RolloutTable:
        metrics = [guard.metric for guard in self.guards]
        twice = sorted({str(metric) for metric in metrics if metrics.count(metric) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is guarded twice: declare each metric once under [[rollout.guards]]")
        if (RolloutMetric.OUTCOME in metrics) is not (self.outcome is not None):
            raise ValueError("a guard on the metric 'outcome' and [rollout.outcome] go together: declare both")
        if not any(guard.guards_promotion for guard in self.guards):
            raise ValueError(
                "no metric guards the promotion, so nothing could ever be proven: say guards_promotion = true for one"
            )
        return self

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> RolloutTable:
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError(f"steps are {list(self.steps)}: they must rise")
        shortest = (2 * self.tick_seconds + self.watermark_seconds) * max(len(self.steps), 1)
        if self.horizon_seconds < shortest:
            raise ValueError(
                f"horizon_seconds is {self.horizon_seconds}, but to count two ticks of tick_seconds = "
                f"{self.tick_seconds} a step, watermark_seconds = {self.watermark_seconds} later, takes {shortest}"
            )
        shadow = self.shadow
        if shadow and shadow.requests and shadow.horizon_seconds > self.horizon_seconds - shortest:
            raise ValueError(
                f"shadow.horizon_seconds is {shadow.horizon_seconds}, but the steps alone take {shortest} of "
                f"horizon_seconds = {self.horizon_seconds}: make that longer, or the shadow shorter"
            )
        if self.horizon_seconds / self.tick_seconds > _MAXIMUM_TICKS:
            raise ValueError(
                f"horizon_seconds / tick_seconds is {self.horizon_seconds / self.tick_seconds:.0f}, above "
                f"{_MAXIMUM_TICKS}: one state-machine execution cannot hold so many ticks; make tick_seconds longer"
            )
        return self
