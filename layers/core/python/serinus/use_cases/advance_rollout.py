"""Look at a rollout once a tick: advance it, hold it, or roll it back, on the evidence about its two releases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from serinus.domain.rollout import Decision, Outcome, Rollout, Split, heed_steering
from serinus.domain.verdict import Verdict
from serinus.errors import SourceFailed
from serinus.use_cases.begin_step import begin_step
from serinus.use_cases.end_rollout import Progress, conclude, end_rollout, progress_of
from serinus.use_cases.reconcile_traffic import promotes_undecided, reconcile_traffic, undecided_reason
from serinus.use_cases.shift_traffic import Conducting, shift_traffic
from serinus.use_cases.weigh_ticks import Weighing, weigh_ticks

_ACTOR = "advance_rollout"


@dataclass(frozen=True)
class Advancing:
    """What advancing a rollout needs of the world."""

    weighing: Weighing
    conducting: Conducting


def advance_rollout(endpoint: str, rollout_id: str, *, advancing: Advancing) -> Progress:
    """Look once, and do what the look says.

    What was weighed is saved before it is acted on, and traffic is moved before that is saved, each with
    compare-and-set. So a tick counts once, and one that died in between is finished by the next, which finds the
    alias one step ahead of the state. A roll-back in the middle is found the same way.

    Raises:
        RolloutNotFound: there is no such rollout.
        RevisionChanged: somebody else moved traffic or the rollout in the meantime; look again.
    """
    conducting = advancing.conducting
    rollout = conducting.rollouts.get(endpoint, rollout_id)
    if rollout.outcome:
        conclude(rollout, actor=_ACTOR, conducting=conducting)
        return progress_of(rollout, "ended already")
    current = conducting.traffic.current(endpoint)
    if current != rollout.split:
        return reconcile_traffic(rollout, current, actor=_ACTOR, conducting=conducting)
    now = conducting.clock()
    rollout, decision = _look(rollout, now, advancing)
    if decision.verdict is Verdict.ROLL_BACK:
        return _return_to_stable(rollout, Outcome.ROLLED_BACK, decision.reason, conducting)
    if decision.verdict is Verdict.ADVANCE:
        return _advance(rollout, decision.reason, conducting)
    if rollout.horizon_passed(now):
        return _undecided(rollout, decision.reason, conducting)
    return progress_of(rollout, decision.reason)


def _look(rollout: Rollout, now: datetime, advancing: Advancing) -> tuple[Rollout, Decision]:
    """Weigh what has been counted, save it, and let alarms and people have their say; all of it is put on record."""
    rollouts = advancing.conducting.rollouts
    try:
        weighed, decisions = weigh_ticks(rollout, now, weighing=advancing.weighing)
    except SourceFailed as failure:
        reason = f"the counts could not be read, which speaks neither for the candidate nor against it: {failure}"
        weighed, decisions = rollout, (Decision(now, Verdict.HOLD, reason, rollout.candidate_percent),)
    last = heed_steering(_heed_alarms(decisions[-1], weighed, advancing.conducting), weighed.steering)
    looked = weighed.looked_at(last)
    rollouts.save(looked, replaced=rollout, looks=(*decisions[:-1], last))
    return looked, last


def _heed_alarms(decision: Decision, rollout: Rollout, conducting: Conducting) -> Decision:
    """A hard alarm of the candidate overrides the evidence; where alarms cannot be read, nothing advances."""
    assert rollout.candidate is not None  # noqa: S101 - `split` has been read
    try:
        firing = conducting.alarms.firing(rollout.endpoint, rollout.candidate)
    except SourceFailed as failure:
        verdict = Verdict.HOLD if decision.verdict is Verdict.ADVANCE else decision.verdict
        return replace(
            decision, verdict=verdict, reason=f"{decision.reason}; its alarms could not be read: {failure}"
        )
    if not firing:
        return decision
    return replace(decision, verdict=Verdict.ROLL_BACK, reason=f"hard alarm: {', '.join(firing)}")


def _advance(rollout: Rollout, reason: str, conducting: Conducting) -> Progress:
    assert rollout.candidate is not None  # noqa: S101 - `split` has been read
    if rollout.at_last_step or rollout.promoted_by_hand:
        target = Split(rollout.candidate)
        _shift(rollout, target, f"{rollout.id}:promoted", reason, conducting)
        return end_rollout(rollout, Outcome.PROMOTED, reason, actor=_ACTOR, conducting=conducting)
    return begin_step(rollout, current=rollout.split, actor=_ACTOR, reason=reason, conducting=conducting)


def _undecided(rollout: Rollout, reason: str, conducting: Conducting) -> Progress:
    assert rollout.candidate is not None  # noqa: S101 - `split` has been read
    why = undecided_reason(rollout, reason)
    if promotes_undecided(rollout):
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
