"""A rollout moves the alias from the stable release to the candidate in weighted steps, as its evidence allows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from serinus.domain.composition import Composition
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.judgement import Figures, RolloutEvidence, Tick
from serinus.domain.label_counts import LabelledStratum
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.shadow_tally import ShadowTally
from serinus.domain.steering import Steering, Wish
from serinus.domain.verdict import Verdict

_TICKS_AT_ONCE = 60  # what was weighed at once is stored in one transaction
DEPLOY = "deploy"  # what the id of a deploy's rollout begins with


class Outcome(StrEnum):
    """How a rollout ended."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


class Stage(StrEnum):
    """How far a rollout has come that has not ended."""

    SHADOWING = "shadowing"
    SHADOWED = "shadowed"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class Release:
    """Everything that serves, as one published Lambda version; `number` is that version.

    Attributes:
        composition: what it is made of; `None` where it was published before that was recorded.
        retired_at: when it was given up to be removed; it then stays known, and can serve no more.
    """

    endpoint: EndpointName
    number: int
    model_version: int
    content_digest: str
    layer: str
    published_at: datetime
    rollout: str
    composition: Composition | None = None
    retired_at: datetime | None = None


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
class Look:
    """What one look at a rollout said, and when."""

    at: datetime
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Decision(Look):
    """A look with all that it was said on.

    Attributes:
        percent: the candidate's share of traffic when it was made.
        since: when the tick began that was weighed; `None` where none was.
        tick: what was counted in it.
        figures: what is known of each metric, that tick included.
    """

    percent: int = 0
    since: datetime | None = None
    tick: Tick | None = None
    figures: tuple[Figures, ...] = ()


@dataclass(frozen=True)
class ChosenPlan:
    """What the policy's plan came to when the rollout started.

    Attributes:
        steps: the candidate's share of traffic at each step, in percent, rising; 100 is implied at the end.
        guards: the metrics that are judged.
        reason: why these, in words a person reads.
    """

    steps: tuple[int, ...]
    guards: tuple[Guard, ...]
    reason: str

    def guards_metric(self, metric: RolloutMetric) -> bool:
        """Whether a metric is judged."""
        return any(guard.metric is metric for guard in self.guards)


@dataclass(frozen=True)
class Rollout:
    """The state of a rollout.

    Attributes:
        policy: pinned when the rollout starts.
        plan: likewise.
        stable: the release that served when it started; `None` where nothing was released yet.
        candidate: the release it brings, once published.
        steps_begun: when each step so far began.
        counted_until: up to when requests are part of the evidence; each tick is weighed once.
        slow_from_ms: the latency from which an answer is slow, by what stable did before.
        evidence: what has been learned of the candidate.
        labelled: what the labels that have come say, as far as it is part of the evidence.
        labelled_until: up to when labels are, which is not when requests are: a step's first tick has none of them.
        last_look: what the last look at it said.
        execution: the pipeline execution that carries it.
        shadow: what the candidate did with a copy of live requests, where a shadow precedes the first step.
        steering: what a person last wished of it.
        composition: what the candidate is made of, pinned when the rollout starts; `None` where an earlier version of
            Serinus started it.
    """

    id: str
    endpoint: EndpointName
    model_version: int
    policy: Policy
    plan: ChosenPlan
    execution: str
    started_at: datetime
    stable: int | None = None
    candidate: int | None = None
    steps_begun: tuple[datetime, ...] = ()
    counted_until: datetime | None = None
    slow_from_ms: float | None = None
    evidence: RolloutEvidence | None = None
    labelled: tuple[LabelledStratum, ...] = ()
    labelled_until: datetime | None = None
    last_look: Look | None = None
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: datetime | None = None
    shadow: ShadowTally | None = None
    steering: Steering | None = None
    composition: Composition | None = None

    @property
    def step(self) -> int:
        """The index into the plan's steps; -1 before any traffic was shifted."""
        return len(self.steps_begun) - 1

    @property
    def stage(self) -> Stage:
        """How far it has come; `in_progress` before its release is published, too."""
        if self.shadow is None or self.step >= 0:
            return Stage.IN_PROGRESS
        return Stage.SHADOWED if self.shadow.passed else Stage.SHADOWING

    @property
    def is_of_a_deploy(self) -> bool:
        """Whether it brings what was deployed with the model that was live, and not a model that was asked for."""
        return self.id.startswith(f"{DEPLOY}-")

    @property
    def candidate_percent(self) -> int:
        """The candidate's share of traffic at the current step."""
        return self.plan.steps[self.step] if self.step >= 0 else 0

    @property
    def next_percent(self) -> int:
        """Its share at the step after."""
        return 100 if self.at_last_step else self.plan.steps[self.step + 1]

    @property
    def at_last_step(self) -> bool:
        """Whether the next step is all traffic."""
        return self.step == len(self.plan.steps) - 1

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

    def due_ticks(self, now: datetime) -> tuple[datetime, ...]:
        """Return when the ticks begin that can be weighed now, and when the last of them ends; empty if none can.

        The first tick of a step is never due: while it lasts, traffic still goes where it went before. After a long
        wait not all are due at once.
        """
        if self.counted_until is None:
            return ()
        tick = timedelta(seconds=self.policy.rollout.tick_seconds)
        ready = now - timedelta(seconds=self.policy.rollout.watermark_seconds)
        count = min(max((ready - self.counted_until) // tick, 0), _TICKS_AT_ONCE)
        return tuple(self.counted_until + index * tick for index in range(count + 1)) if count else ()

    def hour(self, at: datetime) -> int:
        """Return how many whole hours the rollout was old at an instant."""
        return max((at - self.started_at) // timedelta(hours=1), 0)

    def weighed(
        self, evidence: RolloutEvidence, *, until: datetime, labelled: tuple[LabelledStratum, ...]
    ) -> Rollout:
        """Return the rollout with a tick more in its evidence."""
        return replace(self, evidence=evidence, counted_until=until, labelled=labelled, labelled_until=until)

    def looked_at(self, decision: Decision) -> Rollout:
        """Return the rollout after a look."""
        return replace(self, last_look=Look(decision.at, decision.verdict, decision.reason))

    def horizon_passed(self, now: datetime) -> bool:
        """Whether the policy's time for a decision is over."""
        return now >= self.started_at + timedelta(seconds=self.policy.rollout.horizon_seconds)

    def published(self, *, stable: int | None, candidate: int) -> Rollout:
        """Return the rollout with its two releases known."""
        return replace(self, stable=stable, candidate=candidate)

    def shadowed(self, tally: ShadowTally) -> Rollout:
        """Return the rollout with what its shadow has counted."""
        return replace(self, shadow=tally)

    def advanced(self, *, at: datetime) -> Rollout:
        """Return the rollout at its next step."""
        first_due = at + timedelta(seconds=self.policy.rollout.tick_seconds)
        return replace(self, steps_begun=(*self.steps_begun, at), counted_until=first_due)

    def steered(self, wished: Steering) -> Rollout:
        """Return the rollout as a person wishes it; an ended one stays as it ended."""
        return self if self.outcome else replace(self, steering=wished.after(self.steering))

    def ended(self, outcome: Outcome, reason: str, *, at: datetime) -> Rollout:
        """Return the rollout at its end; an ended one stays as it ended."""
        return self if self.outcome else replace(self, outcome=outcome, reason=reason, ended_at=at)


def rollout_id(model_version: int | None, execution: str) -> str:
    """Return the id of the rollout that an execution carries: of a model version, or of a deploy where it is `None`.

    >>> rollout_id(3, "arn:aws:states:eu-west-1:123456789012:execution:serinus-rollout:fraud-v3-0a1b")
    'v3-d3ed34371e'
    """
    what = DEPLOY if model_version is None else f"v{model_version}"
    return f"{what}-{hashlib.sha256(execution.encode()).hexdigest()[:10]}"


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
        return replace(decision, verdict=Verdict.HOLD, reason=f"paused {said}")
    if steering.wish is Wish.PROMOTE and (steering.forced or decision.verdict is not Verdict.ROLL_BACK):
        return replace(decision, verdict=Verdict.ADVANCE, reason=f"unproven: promoted {said}")
    return decision
