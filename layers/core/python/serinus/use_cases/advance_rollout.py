"""Look at a rollout once a tick: advance it, hold it, or roll it back, on what its two releases did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.policy import WhenUndecided
from serinus.domain.profile import Outcome as Ending
from serinus.domain.profile import of_parts
from serinus.domain.rollout import Decision, Evidence, Outcome, Rollout, Split, Verdict, decide, heed_steering
from serinus.errors import ReleaseNotFound
from serinus.use_cases.begin_step import begin_step
from serinus.use_cases.end_rollout import Progress, end_rollout, progress_of
from serinus.use_cases.ports import ProfileParts, References
from serinus.use_cases.shift_traffic import Conducting, record_shift, shift_traffic

_ACTOR = "advance_rollout"


@dataclass(frozen=True)
class Advancing:
    """What advancing a rollout needs of the world."""

    references: References
    parts: ProfileParts
    conducting: Conducting


def advance_rollout(endpoint: str, rollout_id: str, *, advancing: Advancing) -> Progress:
    """Look once, and do what the look says.

    Traffic is moved before the state is saved, each with compare-and-set: a tick that died in between is finished by
    the next one, which finds the alias one step ahead of the state. A roll-back in the middle is found the same way.

    Raises:
        RolloutNotFound: there is no such rollout.
        RevisionChanged: somebody else moved traffic or the rollout in the meantime; look again.
    """
    conducting = advancing.conducting
    rollout = conducting.rollouts.get(endpoint, rollout_id)
    if rollout.outcome:
        return progress_of(rollout, "ended already")
    current = conducting.traffic.current(endpoint)
    if current != rollout.split:
        return _reconcile(rollout, current, conducting)
    now = conducting.clock()
    decision = heed_steering(_look(rollout, now, advancing), rollout.steering)
    conducting.rollouts.record_decision(rollout, decision, at=now)
    if decision.verdict is Verdict.ROLL_BACK:
        return _return_to_stable(rollout, Outcome.ROLLED_BACK, decision.reason, conducting)
    if decision.verdict is Verdict.ADVANCE:
        return _advance(rollout, decision.reason, conducting)
    if rollout.horizon_passed(now):
        return _undecided(rollout, decision.reason, conducting)
    return progress_of(rollout, decision.reason)


def _look(rollout: Rollout, now: datetime, advancing: Advancing) -> Decision:
    assert rollout.stable is not None  # noqa: S101 - `split` has been read
    assert rollout.candidate is not None  # noqa: S101 - likewise
    counted_until = now - timedelta(seconds=rollout.policy.rollout.watermark_seconds)
    return decide(
        rollout,
        stable=_evidence(rollout, rollout.stable, counted_until, advancing),
        candidate=_evidence(rollout, rollout.candidate, counted_until, advancing),
        firing=advancing.conducting.alarms.firing(rollout.endpoint, rollout.candidate),
        counted_until=counted_until,
    )


def _evidence(rollout: Rollout, number: int, counted_until: datetime, advancing: Advancing) -> Evidence:
    release = advancing.conducting.rollouts.release(rollout.endpoint, number)
    reference = advancing.references.get(rollout.endpoint, release.content_digest) if release else None
    if reference is None or rollout.step_since is None:
        raise ReleaseNotFound(rollout.endpoint, f"release {number} with a reference profile")
    if counted_until <= rollout.step_since:
        return Evidence(0, 0)
    parts = advancing.parts.read(rollout.endpoint, number, rollout.step_since, counted_until)
    profile = of_parts(reference.layout, parts, rollout.step_since, counted_until)
    return Evidence(profile.requests, profile.failures, profile.outcome(Ending.CLIENT_ERROR))


def _advance(rollout: Rollout, reason: str, conducting: Conducting) -> Progress:
    assert rollout.candidate is not None  # noqa: S101 - `split` has been read
    if rollout.at_last_step or rollout.promoted_by_hand:
        target = Split(rollout.candidate)
        _shift(rollout, target, f"{rollout.id}:promoted", reason, conducting)
        return end_rollout(rollout, Outcome.PROMOTED, reason, actor=_ACTOR, conducting=conducting)
    return begin_step(rollout, current=rollout.split, actor=_ACTOR, reason=reason, conducting=conducting)


def _undecided(rollout: Rollout, reason: str, conducting: Conducting) -> Progress:
    assert rollout.candidate is not None  # noqa: S101 - `split` has been read
    why = _undecided_reason(rollout, reason)
    if rollout.policy.rollout.when_undecided is WhenUndecided.PROMOTE and not rollout.paused:
        why = f"unproven: {why}"
        _shift(rollout, Split(rollout.candidate), f"{rollout.id}:promoted", why, conducting)
        return end_rollout(rollout, Outcome.PROMOTED, why, actor=_ACTOR, conducting=conducting)
    return _return_to_stable(rollout, Outcome.INCONCLUSIVE, why, conducting)


def _return_to_stable(rollout: Rollout, outcome: Outcome, reason: str, conducting: Conducting) -> Progress:
    assert rollout.stable is not None  # noqa: S101 - `split` has been read
    _shift(rollout, Split(rollout.stable), f"{rollout.id}:returned", reason, conducting)
    return end_rollout(rollout, outcome, reason, actor=_ACTOR, conducting=conducting)


def _shift(rollout: Rollout, target: Split, deed: str, reason: str, conducting: Conducting) -> None:
    shift_traffic(
        rollout.endpoint,
        target,
        expected=rollout.split,
        deed=deed,
        actor=_ACTOR,
        reason=reason,
        conducting=conducting,
    )


def _reconcile(rollout: Rollout, current: Split, conducting: Conducting) -> Progress:
    """Find out who moved the alias: an earlier tick of ours that died, a roll-back, or somebody by hand."""
    assert rollout.stable is not None  # noqa: S101 - `split` has been read
    assert rollout.candidate is not None  # noqa: S101 - likewise
    if current == Split(rollout.candidate):
        reason = _why_promoted(rollout, conducting)
        _adopt(rollout, current, f"{rollout.id}:promoted", reason, conducting)
        return end_rollout(rollout, Outcome.PROMOTED, reason, actor=_ACTOR, conducting=conducting)
    following = None if rollout.at_last_step else rollout.advanced(at=conducting.clock())
    if following is not None and current == following.split:
        reason = "moved by an earlier tick that could not record it"
        return begin_step(rollout, current=current, actor=_ACTOR, reason=reason, conducting=conducting)
    if current == Split(rollout.stable):
        outcome, reason = _why_returned(rollout, conducting)
        _adopt(rollout, current, f"{rollout.id}:returned", reason, conducting)
        return end_rollout(rollout, outcome, reason, actor=_ACTOR, conducting=conducting)
    reason = f"somebody moved the alias to {current}; all traffic is returned to stable"
    shift_traffic(
        rollout.endpoint,
        Split(rollout.stable),
        expected=current,
        deed=f"{rollout.id}:returned",
        actor=_ACTOR,
        reason=reason,
        conducting=conducting,
    )
    return end_rollout(rollout, Outcome.FAILED, reason, actor=_ACTOR, conducting=conducting)


def _why_promoted(rollout: Rollout, conducting: Conducting) -> str:
    """Return why the last look promoted it by hand, should it have died after moving traffic."""
    looks = conducting.rollouts.decisions(rollout.endpoint, rollout.id)
    if rollout.promoted_by_hand and looks and looks[-1][1].verdict is Verdict.ADVANCE:
        return looks[-1][1].reason
    return "promoted by an earlier tick that could not record it"


def _why_returned(rollout: Rollout, conducting: Conducting) -> tuple[Outcome, str]:
    """Return how the last look ended the rollout, should it have died after moving traffic; else somebody did."""
    looks = conducting.rollouts.decisions(rollout.endpoint, rollout.id)
    if looks:
        at, decision = looks[-1]
        if decision.verdict is Verdict.ROLL_BACK:
            return Outcome.ROLLED_BACK, decision.reason
        if decision.verdict is Verdict.HOLD and rollout.horizon_passed(at):
            return Outcome.INCONCLUSIVE, _undecided_reason(rollout, decision.reason)
    return Outcome.ROLLED_BACK, "all traffic was returned to stable"


def _undecided_reason(rollout: Rollout, reason: str) -> str:
    return f"undecided after {rollout.policy.rollout.horizon_seconds} seconds: {reason}"


def _adopt(rollout: Rollout, split: Split, deed: str, reason: str, conducting: Conducting) -> None:
    record_shift(rollout.endpoint, split, deed=deed, actor=_ACTOR, reason=reason, conducting=conducting)
