"""Come to a rollout's evidence once more, from what is on record of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from serinus.domain.judgement import RolloutEvidence, Tick, observe


def replay(evidence: RolloutEvidence, ticks: Iterable[Tick]) -> RolloutEvidence:
    """Return what the ticks give, from the start that the evidence had.

    How scores are distributed is left out: it is reported, and no verdict comes from it.

    Args:
        evidence: of the rollout, from which its guards and what stable did before are known.
        ticks: every tick that was weighed, in order.
    """
    guards = [watched.guard for watched in evidence.metrics]
    past = {
        watched.guard.metric: (watched.stable_past.stable_requests, watched.stable_past.stable_bad)
        for watched in evidence.metrics
    }
    replayed = RolloutEvidence.at_start(guards, stable_past=past)
    for tick in ticks:
        replayed = observe(replayed, tick)
    return replayed


def agrees(evidence: RolloutEvidence, ticks: Iterable[Tick]) -> bool:
    """Whether the ticks on record give the evidence that the rollout was judged by."""
    return replay(evidence, ticks) == replace(evidence, scores=None)
