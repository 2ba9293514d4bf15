"""Put all traffic back on the stable release: at once, in one call, whatever else is going on."""

from __future__ import annotations

from collections.abc import Sequence
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
    Without a rollout, each roll-back goes further back, never forth to what was rolled back before.

    Raises:
        ReleaseNotFound: there is no release to return to.
        RevisionChanged: the rollout was changed by somebody else while it was being closed; try again.
        RolloutNotFound: the rollout to be rolled back never was.
    """
    current = conducting.traffic.current(wanted.endpoint)
    rollout = conducting.rollouts.active(wanted.endpoint)
    if wanted.rollout is not None and rollout is None:
        return _settled(wanted, wanted.rollout, current, conducting)
    if _is_stale(wanted, current, rollout):
        return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason="nothing to do")
    target = _target(wanted, current, rollout, conducting)
    moved = current != target
    if moved:
        conducting.traffic.shift(wanted.endpoint, target)
    deed = f"{rollout.id}:returned" if rollout else f"back:{wanted.actor}:{conducting.clock().isoformat()}"
    _record(wanted, target, deed, moved=moved, conducting=conducting)
    if rollout:
        end_rollout(rollout, wanted.outcome, wanted.reason, actor=wanted.actor, conducting=conducting)
    return RolledBack(wanted.endpoint, target, moved, rollout.id if rollout else None, wanted.reason)


def _settled(wanted: RollBack, rollout_id: str, current: Split, conducting: Conducting) -> RolledBack:
    """Clear up after a rollout that was ended while a step of it was under way.

    The step may have moved traffic, made alarms or recorded its move after the end.
    """
    ended = conducting.rollouts.get(wanted.endpoint, rollout_id)
    left = ended.candidate is not None and ended.candidate == current.candidate
    target = Split(current.stable) if left else current
    if left:
        conducting.traffic.shift(wanted.endpoint, target)
    if ended.candidate is not None:
        conducting.alarms.remove(wanted.endpoint, ended.candidate)
    deed = f"{ended.id}:settled:{conducting.clock().isoformat()}"
    _record(wanted, target, deed, moved=left, conducting=conducting)
    return RolledBack(wanted.endpoint, target, left, None, wanted.reason if left else "nothing to do")


def _record(wanted: RollBack, target: Split, deed: str, *, moved: bool, conducting: Conducting) -> None:
    """Record where traffic goes, unless nothing moved and the ledger says so already."""
    lived = what_was_live(conducting.ledger.entries(wanted.endpoint))
    if lived:
        known = Split(lived[-1].stable, lived[-1].candidate, lived[-1].candidate_percent) == target
    else:
        known = conducting.rollouts.release(wanted.endpoint, target.stable) is None
    if moved or not known:
        record_shift(
            wanted.endpoint, target, deed=deed, actor=wanted.actor, reason=wanted.reason, conducting=conducting
        )


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
    alone = [span.stable for span in lived if span.candidate is None]
    if alone and alone[-1] != current.stable == _earlier(alone, alone[-1]):
        return current  # an earlier try moved traffic, and died before it could record that
    earlier = _earlier(alone, current.stable)
    if earlier is None:
        raise ReleaseNotFound(wanted.endpoint, "earlier release to return to")
    return Split(earlier)


def _earlier(alone: Sequence[int], release: int) -> int | None:
    """Return what served alone before the release first did."""
    until = alone.index(release) if release in alone else len(alone)
    return alone[until - 1] if until else None
