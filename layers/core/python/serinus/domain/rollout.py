"""A rollout moves the alias from the stable release to the candidate in weighted steps, and decides at each tick."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from serinus.domain.policy import EndpointName, Policy
from serinus.domain.steering import Steering, Wish


class Verdict(StrEnum):
    """What one look at a rollout says."""

    ADVANCE = "advance"
    HOLD = "hold"
    ROLL_BACK = "roll_back"


class Outcome(StrEnum):
    """How a rollout ended."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


@dataclass(frozen=True)
class Release:
    """Everything that serves, as one published Lambda version; `number` is that version."""

    endpoint: EndpointName
    number: int
    model_version: int
    content_digest: str
    layer: str
    published_at: datetime
    rollout: str


@dataclass(frozen=True)
class Split:
    """Where the alias sends traffic: `candidate_percent` of it to the candidate, the rest to stable."""

    stable: int
    candidate: int | None = None
    candidate_percent: int = 0

    def __post_init__(self) -> None:
        if (self.candidate is None) != (self.candidate_percent == 0) or not 0 <= self.candidate_percent < 100:
            raise ValueError(f"{self.candidate_percent} % to candidate {self.candidate} is no split")


@dataclass(frozen=True)
class Evidence:
    """What one release did since the step began.

    Attributes:
        requests: all that it was asked.
        failures: those that failed by our fault.
        refusals: those that it refused as the caller's fault (4xx).
    """

    requests: int
    failures: int
    refusals: int = 0

    @property
    def failure_share(self) -> float:
        """The share of requests that failed; 0 where there were none."""
        return self.failures / self.requests if self.requests else 0.0

    @property
    def refusal_share(self) -> float:
        """The share of requests that were refused; 0 where there were none."""
        return self.refusals / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Decision:
    """A verdict and the reason for it, in words a person reads."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Rollout:
    """The state of a rollout.

    Attributes:
        policy: pinned when the rollout starts.
        stable: the release that served when it started; `None` where nothing was released yet.
        candidate: the release it brings, once published.
        step: the index into the policy's steps; -1 before any traffic was shifted.
        step_since: when that step began.
        execution: the pipeline execution that carries it.
        steering: what a person last wished of it.
    """

    id: str
    endpoint: EndpointName
    model_version: int
    policy: Policy
    execution: str
    started_at: datetime
    stable: int | None = None
    candidate: int | None = None
    step: int = -1
    step_since: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: datetime | None = None
    steering: Steering | None = None

    @property
    def candidate_percent(self) -> int:
        """The candidate's share of traffic at the current step."""
        return self.policy.rollout.steps[self.step] if self.step >= 0 else 0

    @property
    def at_last_step(self) -> bool:
        """Whether the next step is all traffic."""
        return self.step == len(self.policy.rollout.steps) - 1

    @property
    def split(self) -> Split:
        """Where the alias should send traffic at this step."""
        if self.stable is None or self.candidate is None:
            raise ValueError(f"rollout {self.id} has no two releases to split traffic between")
        if self.step < 0:
            return Split(self.stable)
        return Split(self.stable, self.candidate, self.candidate_percent)

    @property
    def paused(self) -> bool:
        """Whether a person holds it at its step."""
        return self.steering is not None and self.steering.wish is Wish.PAUSE

    @property
    def promoted_by_hand(self) -> bool:
        """Whether a person wants all traffic on the candidate at the next tick."""
        return self.steering is not None and self.steering.wish is Wish.PROMOTE

    def horizon_passed(self, now: datetime) -> bool:
        """Whether the policy's time for a decision is over."""
        return now >= self.started_at + timedelta(seconds=self.policy.rollout.horizon_seconds)

    def published(self, *, stable: int | None, candidate: int) -> Rollout:
        """Return the rollout with its two releases known."""
        return replace(self, stable=stable, candidate=candidate)

    def advanced(self, *, at: datetime) -> Rollout:
        """Return the rollout at its next step."""
        return replace(self, step=self.step + 1, step_since=at)

    def steered(self, wished: Steering) -> Rollout:
        """Return the rollout as a person wishes it; an ended one stays as it ended."""
        return self if self.outcome else replace(self, steering=wished.after(self.steering))

    def ended(self, outcome: Outcome, reason: str, *, at: datetime) -> Rollout:
        """Return the rollout at its end; an ended one stays as it ended."""
        return self if self.outcome else replace(self, outcome=outcome, reason=reason, ended_at=at)


def decide(
    rollout: Rollout, *, stable: Evidence, candidate: Evidence, firing: tuple[str, ...], counted_until: datetime
) -> Decision:
    """Look at a rollout once.

    Both releases are asked by the same callers: a candidate that refuses more of them than stable does is at fault.

    Args:
        rollout: at a step that has begun.
        stable: what the stable release did in the step, up to `counted_until`.
        candidate: the same for the candidate.
        firing: the hard alarms of the candidate that are firing.
        counted_until: the watermark; later requests may not all have been collected yet.
    """
    plan = rollout.policy.rollout
    if firing:
        return Decision(Verdict.ROLL_BACK, f"hard alarm: {', '.join(firing)}")
    if rollout.step_since is None:
        raise ValueError(f"rollout {rollout.id} has no step to decide on")
    if candidate.requests < plan.minimum_requests:
        return Decision(
            Verdict.HOLD, f"{candidate.requests} of {plan.minimum_requests} requests by the candidate are counted"
        )
    excess = candidate.failure_share - stable.failure_share
    if excess > plan.maximum_failure_share:
        return Decision(
            Verdict.ROLL_BACK,
            f"{candidate.failures} of {candidate.requests} requests to the candidate failed "
            f"({candidate.failure_share:.1%}), {stable.failures} of {stable.requests} to stable "
            f"({stable.failure_share:.1%}): more than {plan.maximum_failure_share:.1%} worse",
        )
    excess = candidate.refusal_share - stable.refusal_share
    if excess > plan.maximum_failure_share:
        return Decision(
            Verdict.ROLL_BACK,
            f"{candidate.refusals} of {candidate.requests} requests to the candidate were refused with a 4xx "
            f"({candidate.refusal_share:.1%}), {stable.refusals} of {stable.requests} to stable "
            f"({stable.refusal_share:.1%}): more than {plan.maximum_failure_share:.1%} worse",
        )
    baked = (counted_until - rollout.step_since).total_seconds()
    if baked < plan.bake_seconds:
        return Decision(
            Verdict.HOLD, f"{max(baked, 0):.0f} of {plan.bake_seconds} seconds of the step are over and counted"
        )
    return Decision(
        Verdict.ADVANCE,
        f"{candidate.failures} of {candidate.requests} requests to the candidate failed, {stable.failures} of "
        f"{stable.requests} to stable, in {baked:.0f} seconds",
    )


def heed_steering(decision: Decision, steering: Steering | None) -> Decision:
    """Let what a person wishes bear on a look.

    A pause holds what would advance. A promotion turns any look into one that advances, whatever is still to be
    proven; what speaks against the candidate, an alarm or the evidence, gives way only where it was forced.

    Args:
        decision: what the look itself says.
        steering: the wish that stands, if any.
    """
    if steering is None:
        return decision
    said = f"by {steering.actor}: {steering.reason} (the look itself: {decision.verdict}, {decision.reason})"
    if steering.wish is Wish.PAUSE and decision.verdict is Verdict.ADVANCE:
        return Decision(Verdict.HOLD, f"paused {said}")
    if steering.wish is Wish.PROMOTE and (steering.forced or decision.verdict is not Verdict.ROLL_BACK):
        return Decision(Verdict.ADVANCE, f"unproven: promoted {said}")
    return decision
