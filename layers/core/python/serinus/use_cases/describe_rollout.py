"""How a rollout stands, and every look that was taken at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.domain.rollout import Decision, Rollout
from serinus.use_cases.find_rollout import Looking, find_rollout


@dataclass(frozen=True)
class DescribedRollout:
    """A rollout and the looks that were taken at it, in order."""

    rollout: Rollout
    decisions: Sequence[Decision]


def describe_rollout(endpoint: str, named: str, *, looking: Looking) -> DescribedRollout:
    """Return how a rollout stands.

    Args:
        endpoint: whose rollout.
        named: its id, or `active` for the one under way.
        looking: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        RolloutNotFound: there is no such rollout.
    """
    looking.policies.get(endpoint)
    rollout = find_rollout(endpoint, named, rollouts=looking.rollouts)
    return DescribedRollout(rollout, looking.rollouts.decisions(endpoint, rollout.id))
