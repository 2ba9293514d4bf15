"""Close a rollout: remove its alarms, free the lock, record how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.rollout import Outcome, Rollout
from serinus.use_cases.shift_traffic import Conducting

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


def progress_of(rollout: Rollout, reason: str) -> Progress:
    """Return how a rollout stands."""
    wait_seconds = rollout.policy.rollout.tick_seconds
    return Progress(rollout.endpoint, rollout.id, rollout.outcome, wait_seconds, rollout.reason or reason)


def end_rollout(rollout: Rollout, outcome: Outcome, reason: str, *, actor: str, conducting: Conducting) -> Progress:
    """End a rollout whose traffic is where the outcome wants it.

    The ledger is written before the lock is freed: whoever retries after a crash in between finds the rollout still
    active and records the same deed under the same id.

    Raises:
        RevisionChanged: somebody else changed the rollout in the meantime.
    """
    now = conducting.clock()
    ended = rollout.ended(outcome, reason, at=now)
    if rollout.candidate is not None:
        conducting.alarms.remove(rollout.endpoint, rollout.candidate)
    details: dict[str, Detail] = {
        "rollout": rollout.id,
        "version": rollout.model_version,
        "candidate": rollout.candidate,
        "stable": rollout.stable,
        "outcome": str(outcome),
        "reason": reason,
    }
    entry = LedgerEntry(rollout.endpoint, f"ended:{rollout.id}", Action.ROLLOUT_ENDED, actor, now, details)
    conducting.ledger.append(entry)
    conducting.rollouts.save(ended, replaced=rollout)
    conducting.events.publish(_EVENTS[outcome], rollout.endpoint, details)
    return progress_of(ended, reason)
