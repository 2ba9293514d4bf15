"""Come to a rollout's evidence once more, from what is on record of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, replace

from serinus.domain.judgement import RolloutEvidence, Tick, observe

_ROUNDING = 1e-6


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
    """Whether the ticks on record give the evidence that the rollout was judged by.

    Counts must be the same; other numbers may differ by what another machine's arithmetic rounds otherwise.
    """
    return _alike(asdict(replay(evidence, ticks)), asdict(replace(evidence, scores=None)))


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(value, other[name]) for name, value in one.items())
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other
