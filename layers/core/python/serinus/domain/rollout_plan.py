"""How a rollout shifts traffic, and what it judges: the part of a policy that a rollout pins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.guard import DEFAULT_GUARDS, Guard


class WhenUndecided(StrEnum):
    """What becomes of a rollout whose horizon passes without a decision."""

    RETURN = "return"
    PROMOTE = "promote"


class WhenBusy(StrEnum):
    """What becomes of a rollout that finds another one of its endpoint under way."""

    WAIT = "wait"
    REFUSE = "refuse"


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
