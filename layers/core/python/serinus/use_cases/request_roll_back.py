"""A person wants traffic back: the rollout under way aborted, or an earlier release live again."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.rollout import Outcome
from serinus.errors import Conflict, RolloutEnded
from serinus.use_cases.find_rollout import find_rollout
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBacks, RollBackWish, Rollouts

_ATTEMPTS = 4  # a step of the rollout can come in between once; more is somebody else at work as well


@dataclass(frozen=True)
class Returning:
    """What having traffic returned needs of the world."""

    policies: Policies
    rollouts: Rollouts
    roll_backs: RollBacks


def request_roll_back(
    endpoint: str,
    *,
    actor: str,
    reason: str,
    abort: str | None = None,
    rollout: str | None = None,
    to: int | None = None,
    leaving: int | None = None,
    returning: Returning,
) -> ReturnedTraffic:
    """Have `roll_back` return all traffic, at once.

    Args:
        endpoint: whose traffic.
        actor: who asks, by the name AWS verified.
        reason: why, for the record.
        abort: the rollout to abort by its id, or `active` for the one under way; without it, what is rolled back is
            the rollout under way, or, where there is none, what is live.
        rollout: what the caller saw under way; nothing is done where it is not.
        to: the release to return to; stable where a rollout is under way, else the one that served before, if not
            given.
        leaving: the live release that the caller wants gone; nothing is done where it is not live.
        returning: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        RolloutNotFound: there is no such rollout.
        RolloutEnded: the rollout to abort has been promoted; going back from there is a roll-back.
        NotFound: there is no release to return to.
        Conflict: others change the rollout again and again; traffic is where it should be, ask again.
    """
    policy = returning.policies.get(endpoint)
    if abort is None:
        return _asked(RollBackWish(policy.endpoint, actor, reason, rollout, to, leaving), returning)
    aborted = find_rollout(endpoint, abort, rollouts=returning.rollouts)
    if aborted.outcome is Outcome.PROMOTED:
        raise RolloutEnded(aborted.id, aborted.outcome, aborted.reason)
    return _asked(RollBackWish(policy.endpoint, actor, f"aborted: {reason}", rollout=aborted.id), returning)


def _asked(wish: RollBackWish, returning: Returning) -> ReturnedTraffic:
    for _ in range(_ATTEMPTS - 1):
        try:
            return returning.roll_backs.ask(wish)
        except Conflict:  # a step was saved while the rollout was being closed
            continue
    return returning.roll_backs.ask(wish)
