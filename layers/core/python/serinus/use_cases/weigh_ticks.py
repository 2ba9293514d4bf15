"""Take what was counted since the last look into a rollout's evidence, a tick at a time, each once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from serinus.domain.evidence import Tally
from serinus.domain.guard import RolloutMetric
from serinus.domain.judgement import RolloutEvidence, Tick, judge, observe
from serinus.domain.label_counts import arrived
from serinus.domain.latency import slow_from_ms
from serinus.domain.layout import Layout
from serinus.domain.profile import of_parts
from serinus.domain.release_counts import CountingRules, ReleaseCounts, count_ticks
from serinus.domain.rollout import Decision, Rollout
from serinus.domain.score_shift import ScoreShift, ascending
from serinus.domain.stable_past import StablePast
from serinus.domain.verdict import Verdict
from serinus.errors import ReleaseNotFound
from serinus.use_cases.compare_labels import Comparing, compare_labels
from serinus.use_cases.ports.registry import References
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.watching import ProfileParts

_EARLIER = timedelta(hours=24)
_SHOWN_FINDINGS = 3


@dataclass(frozen=True)
class Weighing:
    """What weighing needs of the world."""

    rollouts: Rollouts
    references: References
    parts: ProfileParts
    comparing: Comparing


def weigh_ticks(rollout: Rollout, now: datetime, *, weighing: Weighing) -> tuple[Rollout, tuple[Decision, ...]]:
    """Weigh every tick whose watermark has passed, up to the first that calls for something to be done.

    A tick that was weighed already is never weighed again, however often this is called: the caller saves the rollout
    that is returned before it acts. Without a tick that is due, what is known already is judged.

    Args:
        rollout: at a step that has begun.
        now: the time.
        weighing: what it needs of the world.

    Returns:
        The rollout with the ticks in its evidence, and what was said after each of them; one decision at least.

    Raises:
        ReleaseNotFound: a release of the rollout has no reference profile.
    """
    if rollout.evidence is None:
        rollout = _begun(rollout, weighing)
    decisions: list[Decision] = []
    for counted in _counted(rollout, now, weighing):
        rollout, tick, found = _taken_in(rollout, counted, weighing)
        decisions.append(_decision(rollout, now, since=counted.since, tick=tick, found=found))
        if decisions[-1].verdict is not Verdict.HOLD:
            break
    return rollout, tuple(decisions) or (_decision(rollout, now),)


def _begun(rollout: Rollout, weighing: Weighing) -> Rollout:
    """Return the rollout before anything was weighed; stable's last day says what is slow and how scores lie."""
    layout = _layout(rollout, rollout.stable, weighing)
    start, end = rollout.started_at - _EARLIER, rollout.started_at
    parts = weighing.parts.read(rollout.endpoint, rollout.stable or 0, start, end)
    earlier = of_parts(layout, parts, start, end)
    slow_from = slow_from_ms(earlier, slo_ms=rollout.policy.rollout.slo_latency_ms)
    evidence = RolloutEvidence.at_start(
        rollout.plan.guards,
        stable_past=StablePast.of(earlier, slow_from_ms=slow_from).lightened,
        scores=ScoreShift.at_start(ascending(earlier.scores), tolerance=rollout.policy.rollout.score_shift_tolerance),
    )
    return replace(rollout, slow_from_ms=slow_from, evidence=evidence)


@dataclass(frozen=True)
class _Counted:
    """What both releases did in one tick."""

    since: datetime
    until: datetime
    stable: ReleaseCounts
    candidate: ReleaseCounts
    alike: bool


def _counted(rollout: Rollout, now: datetime, weighing: Weighing) -> list[_Counted]:
    edges = rollout.due_ticks(now)
    if not edges:
        return []
    rules = CountingRules(rollout.slow_from_ms or 0.0, rollout.policy.rollout.outcome)
    layouts = [_layout(rollout, number, weighing) for number in (rollout.stable, rollout.candidate)]
    stable, candidate = (
        count_ticks(
            layout,
            weighing.parts.read(rollout.endpoint, number or 0, edges[0], edges[-1], singly=True),
            edges,
            rules,
        )
        for layout, number in zip(layouts, (rollout.stable, rollout.candidate), strict=True)
    )
    alike = layouts[0].score == layouts[1].score
    sides = zip(edges[:-1], edges[1:], stable, candidate, strict=True)
    return [_Counted(since, until, before, after, alike) for since, until, before, after in sides]


def _taken_in(rollout: Rollout, counted: _Counted, weighing: Weighing) -> tuple[Rollout, Tick, str]:
    """Return the rollout with a tick more, the tick, and what somebody should look at of the label files."""
    assert rollout.evidence is not None  # noqa: S101 - it has begun
    compared = compare_labels(rollout, counted.until, comparing=weighing.comparing)
    found = "".join(f"; {finding}" for finding in compared.findings[:_SHOWN_FINDINGS])
    strata: dict[RolloutMetric, tuple[Tally, ...]] = {metric: (tally,) for metric, tally in _tallies(counted).items()}
    strata[RolloutMetric.LABELS] = arrived(rollout.labelled, compared.strata)
    tick = Tick(
        hour=rollout.hour(counted.since),
        next_weight=rollout.next_percent / 100,
        strata={metric: tallies for metric, tallies in strata.items() if rollout.plan.guards_metric(metric)},
        stable_environments=rollout.evidence.stable_environments.seen(counted.stable.environments),
        candidate_environments=rollout.evidence.candidate_environments.seen(counted.candidate.environments),
        scores=_scores(rollout.evidence, counted),
    )
    evidence = observe(rollout.evidence, tick)
    return rollout.weighed(evidence, until=counted.until, labelled=compared.strata), tick, found


def _tallies(counted: _Counted) -> dict[RolloutMetric, Tally]:
    stable, candidate = counted.stable, counted.candidate
    return {
        RolloutMetric.ERRORS: Tally(stable.requests, stable.failures, candidate.requests, candidate.failures),
        RolloutMetric.REFUSALS: Tally(stable.requests, stable.refusals, candidate.requests, candidate.refusals),
        RolloutMetric.LATENCY: Tally(stable.timed, stable.slow, candidate.timed, candidate.slow),
        RolloutMetric.OUTCOME: Tally(stable.scored, stable.outcomes, candidate.scored, candidate.outcomes),
    }


def _scores(evidence: RolloutEvidence, counted: _Counted) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    if evidence.scores is None or not counted.alike:
        return None
    stable, candidate = (ascending(side.scores) for side in (counted.stable, counted.candidate))
    return evidence.scores.grouped(stable), evidence.scores.grouped(candidate)


def _layout(rollout: Rollout, number: int | None, weighing: Weighing) -> Layout:
    release = weighing.rollouts.release(rollout.endpoint, number or 0)
    reference = weighing.references.get(rollout.endpoint, release.content_digest) if release else None
    if reference is None:
        raise ReleaseNotFound(rollout.endpoint, f"release {number} with a reference profile")
    return reference.layout


def _decision(
    rollout: Rollout, now: datetime, *, since: datetime | None = None, tick: Tick | None = None, found: str = ""
) -> Decision:
    assert rollout.evidence is not None  # noqa: S101 - it has begun
    judgement = judge(
        rollout.evidence, weight=rollout.candidate_percent / 100, next_weight=rollout.next_percent / 100
    )
    return Decision(
        at=now,
        verdict=judgement.verdict,
        reason=f"{judgement.reason}{found}",
        percent=rollout.candidate_percent,
        since=since,
        tick=tick,
        figures=judgement.figures,
    )
