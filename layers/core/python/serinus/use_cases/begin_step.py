"""Give the candidate the next step's share of traffic."""

from __future__ import annotations

from serinus.domain.rollout import Rollout, Split
from serinus.use_cases.end_rollout import Progress, progress_of
from serinus.use_cases.shift_traffic import Conducting, shift_traffic


def begin_step(rollout: Rollout, *, current: Split, actor: str, reason: str, conducting: Conducting) -> Progress:
    """Move traffic to the rollout's next step, then save that the step has begun.

    Args:
        rollout: with both releases known, and a step to come.
        current: where traffic goes now; where that is the step already, it is only recorded.
        actor: who moves it.
        reason: why.
        conducting: what it needs of the world.

    Raises:
        RevisionChanged: traffic or the rollout were changed by somebody else in the meantime.
    """
    following = rollout.advanced(at=conducting.clock())
    shift_traffic(
        rollout.endpoint,
        following.split,
        expected=current,
        deed=f"{rollout.id}:{following.step}",
        actor=actor,
        reason=reason,
        conducting=conducting,
    )
    begun = rollout.advanced(at=conducting.clock())  # not before traffic has moved
    conducting.rollouts.save(begun, replaced=rollout)
    return progress_of(begun, reason)
