"""Rollouts and their ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Decision, Release, Rollout, Split


class Executions(Protocol):
    """Executions of the rollout state machine."""

    def start(self, name: str, payload: Mapping[str, object]) -> str | None:
        """Start one, and return its id; the same again is the same one for as long as it runs.

        Returns:
            `None`, and nothing is started, where one of that name has ended, or was started with something else.
        """


@dataclass(frozen=True)
class RollBackWish:
    """What a person wants of `roll_back`.

    Attributes:
        actor: who asks, by the name AWS verified.
        rollout: the rollout that is to end; `None` for whatever is live.
        to: a release to return to.
        leaving: the live release that is to go; nothing is done where it is not live.
    """

    endpoint: EndpointName
    actor: str
    reason: str
    rollout: str | None = None
    to: int | None = None
    leaving: int | None = None


@dataclass(frozen=True)
class ReturnedTraffic:
    """Where traffic goes now, the rollout that this ended, and whether there was anything to do."""

    split: Split
    rollout: str | None
    changed: bool
    reason: str


class Rollouts(Protocol):
    """Rollouts, their lock, and the releases they publish."""

    def start(self, rollout: Rollout) -> Rollout:
        """Take the endpoint's lock and store the rollout; return the stored one if it is the same rollout again.

        Raises:
            RolloutInProgress: another rollout holds the lock.
        """

    def end_early(self, ended: Rollout) -> None:
        """Store a rollout that ended before it began, and free the lock where it has it; again is harmless."""

    def get(self, endpoint: str, rollout: str) -> Rollout:
        """Return a rollout.

        Raises:
            RolloutNotFound: there is none of that id.
        """

    def active(self, endpoint: str) -> Rollout | None:
        """Return the rollout that holds the endpoint's lock."""

    def save(self, rollout: Rollout, replaced: Rollout, looks: Sequence[Decision] = ()) -> None:
        """Store a rollout's new state, and the looks that led to it; free the lock where it has ended.

        Raises:
            RevisionChanged: the stored state is not `replaced`, or a look at the same tick is stored already.
        """

    def change(self, endpoint: str, rollout: str, decide: Callable[[Rollout], Rollout]) -> Rollout:
        """Store what `decide` makes of the stored state, and return it; where a race is lost, it decides again.

        Raises:
            RolloutNotFound: there is none of that id.
        """

    def decisions(self, endpoint: str, rollout: str) -> Sequence[Decision]:
        """Return every look at a rollout, in order."""

    def list(self, endpoint: str) -> Sequence[Rollout]:
        """Return every rollout, by start."""

    def record_release(self, release: Release) -> None:
        """Keep a published release; recording it again is harmless."""

    def save_release(self, release: Release, replaced: Release) -> None:
        """Store what has become of a release.

        Raises:
            RevisionChanged: the stored one is not `replaced`.
        """

    def release(self, endpoint: str, number: int) -> Release | None:
        """Return a release, or `None` where that Lambda version is none (such as the first, which answers 503)."""

    def releases(self, endpoint: str) -> Sequence[Release]:
        """Return every release, by number."""


class RollBacks(Protocol):
    """Has the function `roll_back` move traffic, which alone may do so at once."""

    def ask(self, wanted: RollBackWish) -> ReturnedTraffic:
        """Return all traffic to stable, or to an earlier release.

        Raises:
            NotFound: there is no release to return to.
            Conflict: somebody else changed the rollout in the meantime; traffic is safe, ask again.
        """
