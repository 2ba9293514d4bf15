"""Steer a rollout that is under way: pause it, resume it, or have it promoted without further proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.rollout import Outcome, Rollout
from serinus.domain.steering import Steering, Wish
from serinus.errors import HardAlarmFiring, RolloutEnded
from serinus.use_cases.find_rollout import find_rollout
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.releases import Alarms
from serinus.use_cases.ports.rollouts import Rollouts

_DEEDS: Mapping[Wish, tuple[Action, str]] = {
    Wish.PAUSE: (Action.ROLLOUT_PAUSED, "RolloutPaused"),
    Wish.RESUME: (Action.ROLLOUT_RESUMED, "RolloutResumed"),
    Wish.PROMOTE: (Action.PROMOTION_REQUESTED, "PromotionRequested"),
}


@dataclass(frozen=True)
class Guiding:
    """What steering a rollout needs of the world."""

    policies: Policies
    rollouts: Rollouts
    alarms: Alarms
    ledger: Ledger
    events: Events
    clock: Clock


def steer_rollout(
    endpoint: str, named: str, wish: Wish, *, actor: str, reason: str, forced: bool = False, guiding: Guiding
) -> Rollout:
    """Write down what a person wishes of a rollout; its next tick heeds that, which alone moves traffic.

    The wish is stored first and recorded after, under an id made of what is stored: whoever asks again after a crash
    in between finds the wish standing, and completes the record. The same wish twice is recorded once.

    Args:
        endpoint: whose rollout.
        named: the rollout's id, or `active` for the one under way.
        wish: what is wished.
        actor: who wishes it, by the name AWS verified.
        reason: why, for the record.
        forced: whether a promotion goes ahead although a hard alarm or the evidence speaks against the candidate.
        guiding: what it needs of the world.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
        RolloutNotFound: there is no such rollout.
        RolloutEnded: it is over, and did not end as wished.
        HardAlarmFiring: a promotion that is not forced, while a hard alarm of the candidate fires.
    """
    guiding.policies.get(endpoint)
    found = find_rollout(endpoint, named, rollouts=guiding.rollouts)
    if wish is Wish.PROMOTE and not forced:
        _refuse_while_an_alarm_fires(found, guiding)
    wished = Steering(wish, actor, reason, guiding.clock(), forced)
    steered = guiding.rollouts.change(endpoint, found.id, lambda stored: stored.steered(wished))
    if steered.outcome is None:
        _record(steered, wish, guiding)
    elif (wish, steered.outcome) != (Wish.PROMOTE, Outcome.PROMOTED):
        raise RolloutEnded(steered.id, steered.outcome, steered.reason)
    return steered


def _refuse_while_an_alarm_fires(rollout: Rollout, guiding: Guiding) -> None:
    firing = () if rollout.candidate is None else guiding.alarms.firing(rollout.endpoint, rollout.candidate)
    if firing:
        raise HardAlarmFiring(rollout.id, firing)


def _record(rollout: Rollout, wish: Wish, guiding: Guiding) -> None:
    standing = rollout.steering
    if standing is None or standing.wish is not wish:  # there was nothing to resume
        return
    action, event = _DEEDS[wish]
    details: dict[str, Detail] = {
        "rollout": rollout.id,
        "version": rollout.model_version,
        "candidate": rollout.candidate,
        "forced": standing.forced,
        "reason": standing.reason,
    }
    deed = f"{wish}:{rollout.id}:{standing.at.isoformat()}"
    entry = LedgerEntry(rollout.endpoint, deed, action, standing.actor, standing.at, details)
    guiding.ledger.append(entry)
    guiding.events.publish(event, entry)
