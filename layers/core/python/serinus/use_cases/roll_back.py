"""Put all traffic back on the stable release: at once, in one call, whatever else is going on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.domain.ledger import what_was_live
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.errors import ReleaseNotFound
from serinus.use_cases.end_rollout import end_rollout, record_news, settle
from serinus.use_cases.shift_traffic import Conducting


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
        execution: roll back only if this execution carries the rollout under way.
    """

    endpoint: EndpointName
    reason: str
    actor: str
    release: int | None = None
    rollout: str | None = None
    to: int | None = None
    outcome: Outcome = Outcome.ROLLED_BACK
    execution: str | None = None


@dataclass(frozen=True)
class RolledBack:
    """The result: where traffic goes now, and whether that was our doing.

    Attributes:
        waking: the release that traffic is to return to, where it has first to be woken: ask again until it is.
    """

    endpoint: str
    split: Split
    moved: bool
    rollout: str | None
    reason: str
    waking: int | None = None

    @property
    def status(self) -> str:
        """How it went, in a word."""
        if self.waking is not None:
            return "waking"
        return "rolled_back" if self.moved or self.rollout else "nothing_to_do"


def roll_back(wanted: RollBack, *, conducting: Conducting) -> RolledBack:
    """Return all traffic to the stable release, or, with no rollout under way, to an earlier release.

    Traffic first, the record after: should the record fail, traffic is safe already and the next try completes it.
    Without a rollout, each roll-back goes further back, never forth to what was rolled back before; and traffic stays
    where it is while the earlier release has to be woken, since what sleeps answers nobody.

    Raises:
        ReleaseFailed: the release to return to cannot be started.
        ReleaseNotFound: there is no release to return to.
        RevisionChanged: the rollout was changed by somebody else while it was being closed; try again.
        RolloutNotFound: the rollout to be rolled back never was.
    """
    current = conducting.traffic.current(wanted.endpoint)
    rollout = conducting.rollouts.active(wanted.endpoint)
    if wanted.rollout is not None and rollout is None:
        return _settled(wanted, wanted.rollout, conducting)
    if _is_stale(wanted, current, rollout):
        return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason="nothing to do")
    target = _target(wanted, current, rollout, conducting)
    if rollout:
        return _close(wanted, rollout, current, target, conducting)
    moved = current != target
    if target.stable != current.stable and not conducting.traffic.awake(wanted.endpoint, target.stable):
        return _waking(wanted, current, target)
    if moved:
        conducting.traffic.shift(wanted.endpoint, target)
    _record(wanted, target, f"back:{wanted.actor}:{conducting.clock().isoformat()}", moved, conducting)
    return RolledBack(wanted.endpoint, target, moved, None, wanted.reason)


def _waking(wanted: RollBack, current: Split, target: Split) -> RolledBack:
    reason = f"release {target.stable} sleeps, as SnapStart has it after 14 idle days, and is being woken: ask again"
    return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason=reason, waking=target.stable)


def _close(wanted: RollBack, rollout: Rollout, current: Split, target: Split, conducting: Conducting) -> RolledBack:
    """End the rollout under way with all traffic on the target, whatever a step of it does meanwhile.

    The alias is written even where it seems to be right: a step may have moved it since it was read, and one that has
    yet to move it finds that its revision has changed. One that gets past that has moved it before the second look,
    or finds the rollout ended and returns traffic itself.
    """
    conducting.traffic.shift(wanted.endpoint, target)
    _record(wanted, target, f"{rollout.id}:returned", current != target, conducting)
    end_rollout(rollout, wanted.outcome, wanted.reason, actor=wanted.actor, conducting=conducting)
    split, again = settle(rollout, wanted.reason, actor=wanted.actor, conducting=conducting, target=target)
    return RolledBack(wanted.endpoint, split, again or current != target, rollout.id, wanted.reason)


def _settled(wanted: RollBack, rollout_id: str, conducting: Conducting) -> RolledBack:
    ended = conducting.rollouts.get(wanted.endpoint, rollout_id)
    split, moved = settle(ended, wanted.reason, actor=wanted.actor, conducting=conducting)
    return RolledBack(wanted.endpoint, split, moved, None, wanted.reason if moved else "nothing to do")


def _record(wanted: RollBack, target: Split, deed: str, moved: bool, conducting: Conducting) -> None:
    record_news(
        wanted.endpoint,
        target,
        deed=deed,
        actor=wanted.actor,
        reason=wanted.reason,
        moved=moved,
        conducting=conducting,
    )


def _is_stale(wanted: RollBack, current: Split, rollout: Rollout | None) -> bool:
    """An alarm speaks of one candidate: it is stale once that candidate has no traffic and no open rollout."""
    if wanted.rollout is not None and (rollout is None or rollout.id != wanted.rollout):
        return True
    if wanted.execution is not None and (rollout is None or rollout.execution != wanted.execution):
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
