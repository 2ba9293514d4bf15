"""Find the rollout that somebody names, or means."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.rollout import Rollout
from serinus.errors import RolloutNotFound
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.rollouts import Rollouts

ACTIVE = "active"  # names the rollout under way, whichever it is


@dataclass(frozen=True)
class Looking:
    """What looking at rollouts needs of the world."""

    policies: Policies
    rollouts: Rollouts


def find_rollout(endpoint: str, named: str, *, rollouts: Rollouts) -> Rollout:
    """Return the rollout of an id, or the one under way where it is named `active`.

    Raises:
        RolloutNotFound: there is none.
    """
    if named != ACTIVE:
        return rollouts.get(endpoint, named)
    active = rollouts.active(endpoint)
    if active is None:
        raise RolloutNotFound(endpoint, None)
    return active
