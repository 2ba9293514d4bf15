"""Put all traffic back on the stable release: at once, in one call, whatever else is going on."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.ledger import what_was_live
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.errors import ReleaseNotFound
from serinus.use_cases.end_rollout import end_rollout
from serinus.use_cases.shift_traffic import Conducting, record_shift


@dataclass(frozen=True)
class RollBack:
    """What is asked for.

    Attributes:
        reason: why, for the record.
        actor: who asks.
        release: roll back only if this release is the candidate now; a late or repeated alarm is then harmless.
        rollout: roll back only if this rollout is under way; a repeated failure is then harmless.
        to: a release to return to where no rollout is under way; the one that served before, if not given.
        outcome: how the rollout under way ends.
    """

    endpoint: EndpointName
    reason: str
    actor: str
    release: int | None = None
    rollout: str | None = None
    to: int | None = None
    outcome: Outcome = Outcome.ROLLED_BACK


@dataclass(frozen=True)
class RolledBack:
    """The result: where traffic goes now, and whether that was our doing."""

    endpoint: str
    split: Split
    moved: bool
    rollout: str | None
    reason: str


def roll_back(wanted: RollBack, *, conducting: Conducting) -> RolledBack:
    """Return all traffic to the stable release, or, with no rollout under way, to an earlier release.

    Traffic first, the record after: should the record fail, traffic is safe already and the next try completes it.

    Raises:
        ReleaseNotFound: there is no release to return to.
        RevisionChanged: the rollout was changed by somebody else while it was being closed; try again.
    """
    current = conducting.traffic.current(wanted.endpoint)
    rollout = conducting.rollouts.active(wanted.endpoint)
    if _is_stale(wanted, current, rollout):
        return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason="nothing to do")
    target = _target(wanted, current, rollout, conducting)
    moved = current != target
    if moved:
        conducting.traffic.shift(wanted.endpoint, target)
    deed = f"{rollout.id}:returned" if rollout else f"back:{wanted.actor}:{conducting.clock().isoformat()}"
    if moved or (rollout and rollout.step >= 0):
        record_shift(
            wanted.endpoint, target, deed=deed, actor=wanted.actor, reason=wanted.reason, conducting=conducting
        )
    if rollout:
        end_rollout(rollout, wanted.outcome, wanted.reason, actor=wanted.actor, conducting=conducting)
    return RolledBack(wanted.endpoint, target, moved, rollout.id if rollout else None, wanted.reason)


def _is_stale(wanted: RollBack, current: Split, rollout: Rollout | None) -> bool:
    """An alarm speaks of one candidate: it is stale once that candidate has no traffic and no open rollout."""
    if wanted.rollout is not None and (rollout is None or rollout.id != wanted.rollout):
        return True
    if wanted.release is None:
        return False
    return wanted.release not in {current.candidate, rollout.candidate if rollout else None}


def _target(wanted: RollBack, current: Split, rollout: Rollout | None, conducting: Conducting) -> Split:
    if rollout:
        return Split(rollout.stable if rollout.stable is not None else current.stable)
    if current.candidate is not None:
        return Split(current.stable)
    if wanted.to is not None:
        if conducting.rollouts.release(wanted.endpoint, wanted.to) is None:
            raise ReleaseNotFound(wanted.endpoint, f"release {wanted.to}; `serinus history` lists them")
        return Split(wanted.to)
    lived = what_was_live(conducting.ledger.entries(wanted.endpoint))
    earlier = [span.stable for span in lived if span.candidate is None and span.stable != current.stable]
    if not earlier:
        raise ReleaseNotFound(wanted.endpoint, "earlier release to return to")
    return Split(earlier[-1])
