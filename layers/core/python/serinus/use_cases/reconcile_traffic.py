"""Bring a rollout's state and its traffic together again where they differ."""

from __future__ import annotations

from serinus.domain.judgement import speaks_against
from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.domain.rollout_plan import WhenUndecided
from serinus.domain.verdict import Verdict
from serinus.use_cases.begin_step import begin_step
from serinus.use_cases.end_rollout import Progress, end_rollout
from serinus.use_cases.shift_traffic import Conducting, record_shift, shift_traffic


def reconcile_traffic(rollout: Rollout, current: Split, *, actor: str, conducting: Conducting) -> Progress:
    """Find out who moved the alias, and bring the rollout's state and its traffic together again.

    It was an earlier tick of ours that died before it could save, a roll-back, or somebody by hand.

    Args:
        rollout: under way.
        current: where traffic goes, which is not where the rollout's state says.
        actor: who finds it.
        conducting: what it needs of the world.

    Raises:
        RevisionChanged: somebody moved traffic or the rollout again in the meantime.
    """
    assert rollout.stable is not None  # noqa: S101 - `split` has been read
    assert rollout.candidate is not None  # noqa: S101 - likewise
    if current == Split(rollout.candidate):
        reason = _why_promoted(rollout)
        _adopt(rollout, current, "promoted", reason, actor, conducting)
        return end_rollout(rollout, Outcome.PROMOTED, reason, actor=actor, conducting=conducting)
    following = None if rollout.at_last_step else rollout.advanced(at=conducting.clock())
    if following is not None and current == following.split:
        reason = "moved by an earlier tick that could not record it"
        return begin_step(rollout, current=current, actor=actor, reason=reason, conducting=conducting)
    if current == Split(rollout.stable):
        outcome, reason = _why_returned(rollout)
        _adopt(rollout, current, "returned", reason, actor, conducting)
        return end_rollout(rollout, outcome, reason, actor=actor, conducting=conducting)
    reason = f"somebody moved the alias to {current}; all traffic is returned to stable"
    shift_traffic(
        rollout.endpoint,
        Split(rollout.stable),
        expected=current,
        deed=f"{rollout.id}:returned",
        actor=actor,
        reason=reason,
        conducting=conducting,
    )
    return end_rollout(rollout, Outcome.FAILED, reason, actor=actor, conducting=conducting)


def _why_promoted(rollout: Rollout) -> str:
    """Return why the last look promoted it, should it have died after moving traffic; else somebody did."""
    look = rollout.last_look
    if look is not None:
        if look.verdict is Verdict.ADVANCE and (rollout.at_last_step or rollout.promoted_by_hand):
            return look.reason
        if look.verdict is Verdict.HOLD and rollout.horizon_passed(look.at) and promotes_undecided(rollout):
            return f"unproven: {undecided_reason(rollout, look.reason)}"
    return "unproven: somebody moved all traffic to the candidate"


def _why_returned(rollout: Rollout) -> tuple[Outcome, str]:
    """Return how the last look ended the rollout, should it have died after moving traffic; else somebody did."""
    look = rollout.last_look
    if look is not None:
        if look.verdict is Verdict.ROLL_BACK:
            return Outcome.ROLLED_BACK, look.reason
        if look.verdict is Verdict.HOLD and rollout.horizon_passed(look.at):
            return Outcome.INCONCLUSIVE, undecided_reason(rollout, look.reason)
    return Outcome.ROLLED_BACK, "all traffic was returned to stable"


def promotes_undecided(rollout: Rollout) -> bool:
    """Whether all traffic goes to the candidate at the horizon: as the policy says, if nothing speaks against it."""
    wanted = rollout.policy.rollout.when_undecided is WhenUndecided.PROMOTE and not rollout.paused
    return wanted and not (rollout.evidence is not None and speaks_against(rollout.evidence))


def undecided_reason(rollout: Rollout, reason: str) -> str:
    """Say why a rollout ended at its horizon."""
    return f"undecided after {rollout.policy.rollout.horizon_seconds} seconds: {reason}"


def _adopt(rollout: Rollout, split: Split, deed: str, reason: str, actor: str, conducting: Conducting) -> None:
    """Record a move that was made and not recorded."""
    record_shift(
        rollout.endpoint, split, deed=f"{rollout.id}:{deed}", actor=actor, reason=reason, conducting=conducting
    )
