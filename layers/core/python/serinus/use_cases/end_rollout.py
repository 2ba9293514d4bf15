"""Close a rollout: remove its alarms, free the lock, record how it ended, clear up what came after the end."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.ledger import Action, Detail, LedgerEntry, what_was_live
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome, Rollout, Split, Stage
from serinus.use_cases.shift_traffic import Conducting, record_shift

_EVENTS = {
    Outcome.PROMOTED: "RolloutPromoted",
    Outcome.ROLLED_BACK: "RolloutRolledBack",
    Outcome.INCONCLUSIVE: "RolloutInconclusive",
    Outcome.FAILED: "RolloutFailed",
}


@dataclass(frozen=True)
class Progress:
    """How a rollout stands: `outcome` is `None` while it goes on, and then it wants a look in `wait_seconds`."""

    endpoint: str
    rollout: str
    outcome: Outcome | None
    wait_seconds: int
    reason: str
    stage: Stage = Stage.IN_PROGRESS


def progress_of(rollout: Rollout, reason: str) -> Progress:
    """Return how a rollout stands."""
    wait_seconds = rollout.policy.rollout.tick_seconds
    said = rollout.reason or reason
    return Progress(rollout.endpoint, rollout.id, rollout.outcome, wait_seconds, said, rollout.stage)


def end_rollout(rollout: Rollout, outcome: Outcome, reason: str, *, actor: str, conducting: Conducting) -> Progress:
    """End a rollout whose traffic is where the outcome wants it.

    Of two who end it at once, the one whose state is stored says how it ended; only then is that put on record.

    Raises:
        RevisionChanged: somebody else changed the rollout in the meantime.
    """
    ended = rollout.ended(outcome, reason, at=conducting.clock())
    conducting.rollouts.save(ended, replaced=rollout)
    conclude(ended, actor=actor, conducting=conducting)
    return progress_of(ended, reason)


def conclude(ended: Rollout, *, actor: str, conducting: Conducting) -> None:
    """Remove an ended rollout's alarms, and tell of its end on the bus and in the ledger, unless that was done.

    Whoever finds a rollout ended calls this: the one that ended it may have died in between. The ledger comes last,
    as it says that the rest is done.
    """
    assert ended.outcome is not None  # noqa: S101 - it has ended
    deed = f"ended:{ended.id}"
    if conducting.ledger.find(ended.endpoint, deed) is not None:
        return
    if ended.candidate is not None:
        conducting.alarms.remove(ended.endpoint, ended.candidate)
    at = ended.ended_at or conducting.clock()
    entry = LedgerEntry(ended.endpoint, deed, Action.ROLLOUT_ENDED, actor, at, ended_details(ended))
    conducting.events.publish(_EVENTS[ended.outcome], entry)
    conducting.ledger.append(entry)


def ended_details(ended: Rollout) -> dict[str, Detail]:
    """Return what the ledger and the bus are told of a rollout's end."""
    return {
        "rollout": ended.id,
        "version": ended.model_version,
        "candidate": ended.candidate,
        "stable": ended.stable,
        "outcome": str(ended.outcome),
        "reason": ended.reason,
    }


def settle(
    ended: Rollout, reason: str, *, actor: str, conducting: Conducting, target: Split | None = None
) -> tuple[Split, bool]:
    """Clear up after a rollout that was ended while a step of it was under way; doing so again changes nothing.

    The step may have moved traffic, made alarms or recorded its move after the end. A rollout under way that brings
    the same release is left alone: what there is of the release is that rollout's.

    Args:
        ended: the rollout.
        reason: why it ended, for the record.
        actor: who clears up.
        conducting: what it needs of the world.
        target: where all traffic belongs; without it, the candidate's share returns to whatever is stable now.

    Returns:
        Where traffic goes now, and whether that was our doing.
    """
    endpoint = ended.endpoint
    if ended.outcome is not None:
        conclude(ended, actor=actor, conducting=conducting)
    current = conducting.traffic.current(endpoint)
    active = conducting.rollouts.active(endpoint)
    if active is not None and active.candidate == ended.candidate:
        return current, False
    left = ended.candidate is not None and ended.candidate == current.candidate
    belongs = target or (Split(current.stable) if left else current)
    moved = current != belongs
    if moved:
        conducting.traffic.shift(endpoint, belongs)
    if ended.candidate is not None:
        conducting.alarms.remove(endpoint, ended.candidate)
    deed = f"{ended.id}:settled:{conducting.clock().isoformat()}"
    record_news(endpoint, belongs, deed=deed, actor=actor, reason=reason, moved=moved, conducting=conducting)
    return belongs, moved


def record_news(
    endpoint: EndpointName,
    target: Split,
    *,
    deed: str,
    actor: str,
    reason: str,
    moved: bool,
    conducting: Conducting,
) -> None:
    """Record where traffic goes, unless nothing moved and the ledger says so already."""
    lived = what_was_live(conducting.ledger.entries(endpoint))
    if lived:
        known = Split(lived[-1].stable, lived[-1].candidate, lived[-1].candidate_percent) == target
    else:
        known = conducting.rollouts.release(endpoint, target.stable) is None
    if moved or not known:
        record_shift(endpoint, target, deed=deed, actor=actor, reason=reason, conducting=conducting)
