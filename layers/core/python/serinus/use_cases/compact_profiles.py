"""Fold what was counted by minute into hours and days, so that any window is a handful of files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.watching import Folded, ProfileParts

_LATENESS = timedelta(minutes=15)  # beyond the watermark; what comes later still is folded by the next run


@dataclass(frozen=True)
class Compacting:
    """What compacting needs of the world."""

    policies: Policies
    parts: ProfileParts
    clock: Clock


def compact_profiles(endpoint: str, *, compacting: Compacting) -> Folded:
    """Fold the endpoint's closed minutes: those that ended longer ago than predictions are usually collected.

    Counting does not depend on when this runs, how often, or whether it finishes; only the number of files does.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policy = compacting.policies.get(endpoint)
    watermark = timedelta(seconds=policy.rollout.watermark_seconds)
    return compacting.parts.fold(endpoint, compacting.clock() - watermark - _LATENESS)
