"""Put all traffic back on the stable release, or on an earlier one: in one call, whatever else is going on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.domain.ledger import what_was_live
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.errors import ReleaseNotFound, RevisionChanged
from serinus.use_cases.end_rollout import conclude, end_rollout, record_news, settle
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.shift_traffic import Conducting

_ATTEMPTS = 3  # to end a rollout that others change meanwhile


@dataclass(frozen=True)
class RollBack:
    """What is asked for.

    Attributes:
        reason: why, for the record.
        actor: who asks.
        release: roll back only if this release is the candidate now; a late or repeated alarm is then harmless.
        rollout: roll back only if this rollout is under way; a repeated failure is then harmless.
        to: the release to return to; if not given, stable where a rollout is under way, else what served before.
        outcome: how the rollout under way ends.
        execution: roll back only if this execution carries the rollout under way.
        leaving: roll back only if this release is stable or the candidate now: what a person saw, and wants gone.
    """

    endpoint: EndpointName
    reason: str
    actor: str
    release: int | None = None
    rollout: str | None = None
    to: int | None = None
    outcome: Outcome = Outcome.ROLLED_BACK
    execution: str | None = None
    leaving: int | None = None

    @property
    def by_choice(self) -> bool:
        """Whether a person asks, without having a rollout in mind."""
        return self.release is None and self.rollout is None and self.execution is None


@dataclass(frozen=True)
class RolledBack:
    """The result: where traffic goes now, and whether that was our doing."""

    endpoint: str
    split: Split
    moved: bool
    rollout: str | None
    reason: str


def release_to_leave(endpoint: str, rollouts: Rollouts) -> int | None:
    """Return the release that a roll-back undoes unless it is told another: the one that was brought last.

    Undone already, it is undone no further: a roll-back that is asked for twice goes back once. It is `None` where
    the latest rollout ended before it had a release; a rollout that was refused counts for nothing.

    Raises:
        ReleaseNotFound: nothing was ever brought.
    """
    brought = [found for found in rollouts.list(endpoint) if found.candidate or found.outcome is not Outcome.FAILED]
    if not brought:
        raise ReleaseNotFound(endpoint, "earlier release to return to")
    return brought[-1].candidate


def roll_back(wanted: RollBack, *, conducting: Conducting) -> RolledBack:
    """Return all traffic to the stable release, or, with no rollout under way, to an earlier release.

    Where the request names a release to return to, traffic goes there, and a rollout under way ends. Traffic first,
    the record after: should the record fail, traffic is safe already and the next try completes it. Where another
    release than stable has to be woken first, nothing is moved before it is awake: what sleeps answers nobody.

    Raises:
        ReleaseFailed: the release to return to cannot be started; nothing was moved.
        ReleaseNotFound: the release to return to is not there, or never served all traffic; nothing was moved.
        RevisionChanged: the rollout was changed by somebody else while it was being closed; try again.
        RolloutNotFound: the rollout to be rolled back never was.
    """
    current = conducting.traffic.current(wanted.endpoint)
    rollout = conducting.rollouts.active(wanted.endpoint)
    if wanted.rollout is not None and rollout is None:
        return _settled(wanted, wanted.rollout, conducting)
    if _is_stale(wanted, current, rollout):
        _conclude_earlier(wanted, conducting)
        return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason="nothing to do")
    left = _left_already(wanted, current, rollout, conducting)
    if left is not None:
        if rollout is None:
            _record(wanted, current, _deed(wanted, conducting), False, conducting)
        return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason=left)
    target = _target(wanted, current, rollout, conducting)
    serving = {current.stable, rollout.stable if rollout else None}
    if target.stable not in serving and not conducting.traffic.awake(wanted.endpoint, target.stable):
        return _waking(wanted, current, target)
    if rollout:
        return _close(wanted, rollout, current, target, conducting)
    moved = current != target
    if moved:
        conducting.traffic.shift(wanted.endpoint, target)
    _record(wanted, target, _deed(wanted, conducting), moved, conducting)
    return RolledBack(wanted.endpoint, target, moved, None, wanted.reason)


def _waking(wanted: RollBack, current: Split, target: Split) -> RolledBack:
    reason = (
        f"release {target.stable} sleeps, as SnapStart has it after 14 idle days, and is being woken: ask again in a "
        "few minutes"
    )
    return RolledBack(wanted.endpoint, current, moved=False, rollout=None, reason=reason)


def _deed(wanted: RollBack, conducting: Conducting) -> str:
    return f"back:{wanted.actor}:{conducting.clock().isoformat()}"


def _close(wanted: RollBack, rollout: Rollout, current: Split, target: Split, conducting: Conducting) -> RolledBack:
    """End the rollout under way with all traffic on the target, whatever a step of it does meanwhile.

    The alias is written even where it seems to be right: a step may have moved it since it was read, and one that has
    yet to move it finds that its revision has changed. One that gets past that has moved it before the second look,
    or finds the rollout ended and returns traffic itself.
    """
    conducting.traffic.shift(wanted.endpoint, target)
    _record(wanted, target, f"{rollout.id}:returned", current != target, conducting)
    _end(rollout, wanted, conducting)
    split, again = settle(rollout, wanted.reason, actor=wanted.actor, conducting=conducting, target=target)
    return RolledBack(wanted.endpoint, split, again or current != target, rollout.id, wanted.reason)


def _end(rollout: Rollout, wanted: RollBack, conducting: Conducting) -> None:
    """End it, be it that a tick or a person's wish changes it meanwhile; one that a tick has ended stays as it ended.

    A tick that finds all traffic on an earlier release takes that for somebody's hand, and returns it to stable: what
    comes after this end moves it back.
    """
    for _ in range(_ATTEMPTS):
        try:
            end_rollout(rollout, wanted.outcome, wanted.reason, actor=wanted.actor, conducting=conducting)
        except RevisionChanged as changed:
            lost = changed
            rollout = conducting.rollouts.get(wanted.endpoint, rollout.id)
            if rollout.outcome is not None:
                conclude(rollout, actor=wanted.actor, conducting=conducting)
                return
        else:
            return
    raise lost


def _settled(wanted: RollBack, rollout_id: str, conducting: Conducting) -> RolledBack:
    ended = conducting.rollouts.get(wanted.endpoint, rollout_id)
    split, moved = settle(ended, wanted.reason, actor=wanted.actor, conducting=conducting)
    over = f"nothing to do: rollout {ended.id} has ended as {ended.outcome}"
    return RolledBack(wanted.endpoint, split, moved, None, wanted.reason if moved else over)


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


def _conclude_earlier(wanted: RollBack, conducting: Conducting) -> None:
    """Finish what an earlier try of the same alarm may have died over: it had ended the rollout, and not said so."""
    for rollout in conducting.rollouts.list(wanted.endpoint):
        if rollout.outcome is not None and rollout.candidate is not None and rollout.candidate == wanted.release:
            conclude(rollout, actor=wanted.actor, conducting=conducting)


def _is_stale(wanted: RollBack, current: Split, rollout: Rollout | None) -> bool:
    """An alarm speaks of one candidate: it is stale once that candidate has no traffic and no open rollout."""
    if wanted.rollout is not None and (rollout is None or rollout.id != wanted.rollout):
        return True
    if wanted.execution is not None and (rollout is None or rollout.execution != wanted.execution):
        return True
    if wanted.release is None:
        return False
    return wanted.release not in {current.candidate, rollout.candidate if rollout else None}


def _left_already(wanted: RollBack, current: Split, rollout: Rollout | None, conducting: Conducting) -> str | None:
    """Say that the release which a person wants traffic away from has none any more; `None` where it has."""
    if not wanted.by_choice:
        return None
    leaving = wanted.leaving
    if leaving is None:
        if wanted.to is not None or rollout is not None or current.candidate is not None:
            return None
        leaving = release_to_leave(wanted.endpoint, conducting.rollouts)
    if leaving == current.stable or (rollout is not None and leaving == rollout.candidate):
        return None
    gone = "the latest rollout ended before it had a release" if leaving is None else f"release {leaving} is not live"
    return f"{gone}, release {current.stable} is: to go back from that one, name it (--from {current.stable})"


def _target(wanted: RollBack, current: Split, rollout: Rollout | None, conducting: Conducting) -> Split:
    if wanted.to is not None:
        return _to(wanted.endpoint, wanted.to, conducting)
    if rollout and wanted.leaving in {None, rollout.candidate}:
        return Split(rollout.stable if rollout.stable is not None else current.stable)
    if current.candidate is not None and rollout is None:
        return Split(current.stable)
    earlier = _earlier(_alone(wanted.endpoint, conducting), current.stable)
    if earlier is None:
        raise ReleaseNotFound(wanted.endpoint, "earlier release to return to")
    return _to(wanted.endpoint, earlier, conducting)


def _to(endpoint: str, number: int, conducting: Conducting) -> Split:
    """Look whether a release can be returned to before anything is touched."""
    release = conducting.rollouts.release(endpoint, number)
    alone = set(_alone(endpoint, conducting))
    if release is None:
        problem = f"release {number}"
    elif release.retired_at is not None:
        problem = f"release {number} any more: it was retired at {release.retired_at:%Y-%m-%d %H:%M} UTC"
    elif number not in alone:
        problem = f"earlier release {number}: it never served all traffic"
    elif not conducting.traffic.has(endpoint, number):
        problem = f"release {number} any more: its Lambda version was deleted"
    else:
        return Split(number)
    known = [found for found in conducting.rollouts.releases(endpoint) if found.number in alone - {number}]
    kept = [found.number for found in known if found.retired_at is None]
    there = f"return to {', '.join(map(str, kept))}" if kept else "there is none to return to"
    raise ReleaseNotFound(endpoint, f"{problem}; {there}")


def _alone(endpoint: EndpointName | str, conducting: Conducting) -> list[int]:
    """Return the releases that served all traffic, in order; the first of all, which answers 503, is none."""
    lived = what_was_live(conducting.ledger.entries(endpoint))
    return [span.stable for span in lived if span.candidate is None]


def _earlier(alone: Sequence[int], release: int) -> int | None:
    """Return what served alone before the release first did."""
    until = alone.index(release) if release in alone else len(alone)
    return alone[until - 1] if until else None
