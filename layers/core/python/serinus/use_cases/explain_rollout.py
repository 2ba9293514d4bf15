"""Say why a rollout advanced, held or rolled back, from what is on record of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from serinus.domain.replay import agrees
from serinus.domain.rollout import Decision, Rollout
from serinus.errors import RolloutNotFound
from serinus.use_cases.ports.rollouts import Rollouts


class Replayed(StrEnum):
    """What became of replaying the recorded ticks: the evidence that was judged, or another; or there was none."""

    SAME = "same"
    DIFFERENT = "different"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Explanation:
    """A rollout, every look at it in order, and whether its record gives the evidence that it was judged by."""

    rollout: Rollout
    looks: tuple[Decision, ...]
    replayed: Replayed

    @property
    def told(self) -> tuple[Decision, ...]:
        """The looks that a person wants to be told of: where the verdict or the step changed, and the last."""
        kept: list[Decision] = []
        for look in self.looks:
            before = kept[-1] if kept else None
            changed = before is None or (look.verdict, look.percent) != (before.verdict, before.percent)
            if changed or look is self.looks[-1]:
                kept.append(look)
        return tuple(kept)


def explain_rollout(endpoint: str, wanted: str | None, *, rollouts: Rollouts) -> Explanation:
    """Explain a rollout.

    Args:
        endpoint: whose rollout it is.
        wanted: its id; `None` for the one under way, or the latest where none is.
        rollouts: what is on record.

    Raises:
        RolloutNotFound: there is no such rollout, or none at all.
    """
    rollout = _wanted(endpoint, wanted, rollouts)
    looks = tuple(rollouts.decisions(endpoint, rollout.id))
    ticks = [look.tick for look in looks if look.tick is not None]
    if rollout.evidence is None or not ticks:
        return Explanation(rollout, looks, Replayed.NOTHING)
    return Explanation(rollout, looks, Replayed.SAME if agrees(rollout.evidence, ticks) else Replayed.DIFFERENT)


def _wanted(endpoint: str, wanted: str | None, rollouts: Rollouts) -> Rollout:
    if wanted is not None:
        return rollouts.get(endpoint, wanted)
    active = rollouts.active(endpoint)
    if active is not None:
        return active
    known = rollouts.list(endpoint)
    if not known:
        raise RolloutNotFound(endpoint, "of any kind")
    return known[-1]
