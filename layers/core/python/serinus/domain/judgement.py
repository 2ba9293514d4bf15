"""From counts to a verdict: the evidence of a whole rollout, and what may be done on it.

Roll back when any w_k·E_k reaches 1/α: a union bound over metrics that needs nothing of how they hang together, so
that labels which come a day late are sound beside errors that come at once. Promote when every guard that the policy
declares for it is proven within its margin, and nothing speaks against. Otherwise hold, and say for want of what.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from serinus.domain.environments import NO_ENVIRONMENTS, ReleaseEnvironments, SeenEnvironments, environment_tally
from serinus.domain.evidence import NOTHING, Floats, MetricEvidence, Tally
from serinus.domain.guard import Guard, RolloutMetric, weights
from serinus.domain.promotion import PromotionEvidence
from serinus.domain.score_shift import ScoreShift
from serinus.domain.verdict import Verdict

ALPHA = 0.01
BETA = 0.05
SUSPICION = 5.0
SMALLEST_EXCESS = 0.001

_LARGEST = 1e300  # evidence beyond it is told as this: JSON knows no infinity


@dataclass(frozen=True)
class Watched:
    """One guarded metric of a rollout.

    Attributes:
        weight: w_k, the metric's share of the risk of a false alarm.
        against: the evidence that the candidate is worse.
        stable_past: what stable did before the rollout: the proof starts from it, and is slower to come without.
        promotion: the evidence of this step that it is not; `None` where the guard is not asked, or no step begun.
    """

    guard: Guard
    weight: float
    against: MetricEvidence
    stable_past: Tally = NOTHING
    promotion: PromotionEvidence | None = None

    @property
    def weighted(self) -> float:
        """w_k·E_k, of which 1/α rolls back."""
        return self.weight * self.against.e_value

    def observed(self, strata: Sequence[Tally], *, hour: int, next_weight: float) -> Watched:
        """Return the metric with a tick more."""
        promotion = self._at_step(next_weight)
        history = self.stable_past + self.against.total
        for tally in strata:
            promotion = promotion.observed(tally, history=history) if promotion else None
            history += tally
        return replace(self, against=self.against.observed(strata, hour=hour), promotion=promotion)

    def proof(self, next_weight: float) -> PromotionEvidence:
        """Return the evidence for a step to that weight; none yet where it was gathered for another."""
        return self._at_step(next_weight) or PromotionEvidence(self.guard.difference(next_weight))

    def _at_step(self, next_weight: float) -> PromotionEvidence | None:
        if not self.guard.guards_promotion:
            return None
        difference = self.guard.difference(next_weight)
        return self.promotion.at_difference(difference) if self.promotion else PromotionEvidence(difference)


@dataclass(frozen=True)
class Tick:
    """What one tick counted, to be taken in once, when its watermark has passed.

    Attributes:
        hour: whole hours since the rollout began.
        next_weight: the candidate's share of traffic at the step that the rollout would advance to, in (0, 1].
        strata: for each metric the counts of each stratum: one, but of labels one for each serving hour and block of
            arrival. A metric without an entry has no data, which is no evidence.
        stable_environments: what stable's execution environments did in the tick.
        candidate_environments: the same for the candidate.
        scores: how many scores of stable and of the candidate lie in each group of `ScoreShift`, where both releases
            bin them alike.
    """

    hour: int
    next_weight: float
    strata: Mapping[RolloutMetric, tuple[Tally, ...]]
    stable_environments: SeenEnvironments = NO_ENVIRONMENTS
    candidate_environments: SeenEnvironments = NO_ENVIRONMENTS
    scores: tuple[tuple[int, ...], tuple[int, ...]] | None = None


@dataclass(frozen=True)
class RolloutEvidence:
    """All that a rollout has learned: plain numbers and text, about 5 kB as JSON, whatever the traffic.

    Attributes:
        environment_minutes: the evidence on errors with environment-minutes for requests, without the candidate's
            worst environment. Where failures seem to gather in that one, the others must convict as well.
    """

    metrics: tuple[Watched, ...]
    environment_minutes: MetricEvidence
    stable_environments: ReleaseEnvironments
    candidate_environments: ReleaseEnvironments
    scores: ScoreShift | None = None

    @classmethod
    def at_start(
        cls,
        guards: Sequence[Guard],
        *,
        stable_past: Mapping[RolloutMetric, tuple[int, int]] | None = None,
        scores: ScoreShift | None = None,
    ) -> RolloutEvidence:
        """Return the evidence before anything was counted, with the weights that the guards have from now on.

        Args:
            guards: as the policy declares them.
            stable_past: for each metric how many requests stable was asked in a day or so
                before the rollout, and how many were bad.
            scores: where stable's and the candidate's scores are binned alike.
        """
        shares, past = weights(guards), stable_past or {}
        metrics = tuple(
            Watched(
                guard,
                shares[guard.metric],
                MetricEvidence.at_start(tolerance=guard.tolerance),
                Tally(*past.get(guard.metric, (0, 0)), 0, 0),
            )
            for guard in guards
        )
        errors = [guard.tolerance for guard in guards if guard.metric is RolloutMetric.ERRORS]
        minutes = MetricEvidence.at_start(tolerance=errors[0] if errors else 1.0)
        return cls(metrics, minutes, ReleaseEnvironments(), ReleaseEnvironments(), scores)


@dataclass(frozen=True)
class Figures:
    """What a judgement knew of one metric.

    Attributes:
        evidence: w_k·E_k.
        evidence_needed: 1/α, at which the candidate is rolled back.
        excess: the candidate's share of bad requests minus stable's.
        proof: the evidence that the candidate is within the margin; `None` where no promotion waits for it.
        proof_needed: 1/β.
        margin: the difference that is tolerable at the next weight, as a share; `None` likewise.
    """

    metric: RolloutMetric
    stable_requests: int
    stable_bad: int
    candidate_requests: int
    candidate_bad: int
    evidence: float
    evidence_needed: float
    excess: float
    proof: float | None
    proof_needed: float
    margin: float | None


@dataclass(frozen=True)
class Judgement:
    """A verdict, the reason in words with numbers, and the figures of each metric behind it."""

    verdict: Verdict
    reason: str
    figures: tuple[Figures, ...]


def observe(evidence: RolloutEvidence, tick: Tick) -> RolloutEvidence:
    """Return the evidence with a tick more."""
    scores, candidate = evidence.scores, evidence.candidate_environments.observed(tick.candidate_environments)
    worst = candidate.suspects[0].environment if candidate.suspects else None
    return RolloutEvidence(
        tuple(
            watched.observed(tick.strata.get(watched.guard.metric, ()), hour=tick.hour, next_weight=tick.next_weight)
            for watched in evidence.metrics
        ),
        evidence.environment_minutes.observed(
            [environment_tally(tick.stable_environments, tick.candidate_environments, leaving_out=worst)],
            hour=tick.hour,
        ),
        evidence.stable_environments.observed(tick.stable_environments),
        candidate,
        scores.observed_in_groups(*tick.scores) if scores and tick.scores else scores,
    )


def convicts(log_e: Floats | float, weight: float, excess: Floats | float) -> npt.NDArray[np.bool_]:
    """Whether the evidence on a metric rolls back: w_k·E_k ≥ 1/α, and more than a tenth of a point in excess.

    >>> bool(convicts(math.log(200), 0.6, 0.01)), bool(convicts(math.log(200), 0.6, 0.0009))
    (True, False)
    """
    return np.asarray((math.log(weight) + log_e >= -math.log(ALPHA)) & (np.asarray(excess) >= SMALLEST_EXCESS))


def suspects(log_e: Floats | float, weight: float) -> npt.NDArray[np.bool_]:
    """Whether the evidence on a metric forbids a promotion: w_k·E_k ≥ 5."""
    return np.asarray(math.log(weight) + log_e >= math.log(SUSPICION))


def speaks_against(evidence: RolloutEvidence) -> bool:
    """Whether anything speaks against the candidate: enough to forbid a promotion, be it too little to roll back."""
    return any(suspects(watched.against.log_e, watched.weight) for watched in evidence.metrics) or _beyond(evidence)


def proves(log_e: Floats | float) -> npt.NDArray[np.bool_]:
    """Whether the evidence allows a promotion: e ≥ 1/β."""
    return np.asarray(np.asarray(log_e) >= -math.log(BETA))


def judge(evidence: RolloutEvidence, *, weight: float, next_weight: float) -> Judgement:
    """Say what may be done.

    Args:
        evidence: up to the last tick whose watermark has passed.
        weight: the candidate's share of traffic now, in [0, 1); 0 in a shadow step.
        next_weight: its share if the rollout advances, in (0, 1].
    """
    figures = tuple(_figures(watched, next_weight) for watched in evidence.metrics)
    convicted = [watched for watched in evidence.metrics if _convicted(watched, evidence)]
    if convicted:
        return Judgement(Verdict.ROLL_BACK, "; ".join(_worse(watched) for watched in convicted), figures)
    reasons = (
        list(_missing(evidence, weight, next_weight))
        or list(_doubts(evidence))
        or list(_unproven(evidence, next_weight))
    )
    if reasons:
        return Judgement(Verdict.HOLD, "; ".join(reasons), figures)
    proven = [_proof(watched, next_weight) for watched in evidence.metrics if watched.guard.guards_promotion]
    return Judgement(Verdict.ADVANCE, "; ".join(proven), figures)


def _convicted(watched: Watched, evidence: RolloutEvidence) -> bool:
    against = watched.against
    if not convicts(against.log_e, watched.weight, against.excess):
        return False
    if watched.guard.metric is RolloutMetric.ERRORS and evidence.candidate_environments.doubt:
        minutes = evidence.environment_minutes
        return bool(convicts(minutes.log_e, watched.weight, minutes.excess))
    return True


def _missing(evidence: RolloutEvidence, weight: float, next_weight: float) -> Iterator[str]:
    """Name the data without which nothing can be said."""
    answered = [watched for watched in evidence.metrics if watched.guard.metric is not RolloutMetric.LABELS]
    step = [watched.proof(next_weight).total for watched in answered if watched.guard.guards_promotion]
    totals = [watched.against.total for watched in answered]
    if totals and not any(total.candidate_requests for total in totals):
        yield f"no traffic: no request to the candidate, at {weight:.0%} of traffic, is counted yet"
    elif totals and not any(total.stable_requests for total in totals):
        yield "no traffic: no request to stable, to compare the candidate with, is counted yet"
    elif step and not any(total.candidate_requests for total in step):
        yield f"no traffic: no request to the candidate is counted yet in this step, at {weight:.0%} of traffic"
    for watched in evidence.metrics:
        asked = watched.guard.guards_promotion or next_weight == 1
        if watched.guard.metric is RolloutMetric.LABELS and asked and not watched.against.total.candidate_requests:
            yield "no labels: none has come for a prediction of the candidate"


def _doubts(evidence: RolloutEvidence) -> Iterator[str]:
    """Name what speaks against the candidate, or against the comparison."""
    for watched in evidence.metrics:
        if suspects(watched.against.log_e, watched.weight):
            yield f"something speaks against the candidate: {_worse(watched)}"
            if convicts(watched.against.log_e, watched.weight, SMALLEST_EXCESS) and not _convicted(watched, evidence):
                yield _why_not_convicted(watched, evidence)
    if evidence.stable_environments.cluster:
        yield f"stable is no measure: {evidence.stable_environments.cluster}"
    if evidence.scores and _beyond(evidence):
        yield (
            f"the scores have shifted by more than the {evidence.scores.tolerance:g} standard deviations that the "
            f"policy tolerates: evidence {in_words(evidence.scores.log_e_beyond)} of {1 / BETA:.0f}"
        )
    if not any(watched.guard.guards_promotion for watched in evidence.metrics):
        yield "no guard of the policy is asked before a promotion, so nothing can prove the candidate"


def _beyond(evidence: RolloutEvidence) -> bool:
    return evidence.scores is not None and bool(proves(evidence.scores.log_e_beyond))


def _why_not_convicted(watched: Watched, evidence: RolloutEvidence) -> str:
    if watched.against.excess < SMALLEST_EXCESS:
        return f"not rolled back, since less than {SMALLEST_EXCESS * 100:g} points are too few to matter"
    minutes = evidence.environment_minutes
    return (
        f"not rolled back, since {evidence.candidate_environments.doubt}: by minutes of the others with a failure "
        f"the evidence is {in_words(minutes.log_e + math.log(watched.weight))} of {1 / ALPHA:.0f}"
    )


def _unproven(evidence: RolloutEvidence, next_weight: float) -> Iterator[str]:
    for watched in evidence.metrics:
        if watched.guard.guards_promotion and not proves(watched.proof(next_weight).log_e):
            yield f"not enough evidence yet: {_proof(watched, next_weight)}"


def _proof(watched: Watched, next_weight: float) -> str:
    proof = watched.proof(next_weight)
    return (
        f"{_counted(watched.guard.metric, proof.total)} in this step; evidence that it is less than "
        f"{proof.difference * 100:.3g} points worse: {in_words(proof.log_e)} of {1 / BETA:.0f} needed"
    )


def _worse(watched: Watched) -> str:
    against = watched.against
    return (
        f"{_counted(watched.guard.metric, against.total)}; {against.excess * 100:+.2f} points, evidence that it is "
        f"worse: {in_words(against.log_e + math.log(watched.weight))} of {1 / ALPHA:.0f} needed"
    )


def _counted(metric: RolloutMetric, total: Tally) -> str:
    what, did = _WORDS[metric]
    return (
        f"{metric}: {total.candidate_bad:,} of {total.candidate_requests:,} {what} the candidate {did} "
        f"({_share(total.candidate_bad, total.candidate_requests)}), {total.stable_bad:,} of "
        f"{total.stable_requests:,} {what} stable ({_share(total.stable_bad, total.stable_requests)})"
    )


_WORDS = {
    RolloutMetric.ERRORS: ("requests to", "failed"),
    RolloutMetric.REFUSALS: ("requests to", "were refused"),
    RolloutMetric.LATENCY: ("answers of", "were slow"),
    RolloutMetric.OUTCOME: ("answers of", "had the bad outcome"),
    RolloutMetric.LABELS: ("labelled predictions of", "were wrong"),
}


def _share(bad: int, requests: int) -> str:
    return f"{bad / requests:.2%}" if requests else "none"


def in_words(log_value: float) -> str:
    """Write e to that power as people read it: the evidence runs over many orders of magnitude.

    >>> in_words(math.log(3.21)), in_words(math.log(2195)), in_words(800.0), in_words(-20.0)
    ('3.2', '2,195', '10^347', '0.0')
    """
    if log_value > math.log(1e6):
        return f"10^{log_value / math.log(10):.0f}"
    value = math.exp(log_value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _figures(watched: Watched, next_weight: float) -> Figures:
    total = watched.against.total
    proof = watched.proof(next_weight) if watched.guard.guards_promotion else None
    return Figures(
        watched.guard.metric,
        total.stable_requests,
        total.stable_bad,
        total.candidate_requests,
        total.candidate_bad,
        evidence=min(watched.weighted, _LARGEST),
        evidence_needed=1 / ALPHA,
        excess=watched.against.excess,
        proof=min(proof.e_value, _LARGEST) if proof else None,
        proof_needed=1 / BETA,
        margin=proof.difference if proof else None,
    )
