"""Which rollouts an endpoint had."""

from __future__ import annotations

from collections.abc import Sequence

from serinus.domain.rollout import Rollout
from serinus.use_cases.find_rollout import Looking


def list_rollouts(endpoint: str, *, at_most: int, looking: Looking) -> Sequence[Rollout]:
    """Return the latest rollouts, the latest first.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    looking.policies.get(endpoint)
    return tuple(reversed(looking.rollouts.list(endpoint)))[:at_most]
