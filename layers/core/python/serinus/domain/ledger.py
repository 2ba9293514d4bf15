"""The append-only, hash-chained record of who did what, and of what was live when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from serinus.domain.model_version import digest_of
from serinus.domain.policy import EndpointName

Detail = str | int | float | bool | None

GENESIS = "0" * 64  # what the first entry of a ledger is chained to


class Action(StrEnum):
    """What can be done."""

    UPLOAD_REFUSED = "upload_refused"
    DATA_REJECTED = "data_rejected"
    MODEL_REGISTERED = "model_registered"
    MODEL_VALIDATED = "model_validated"
    MODEL_REJECTED = "model_rejected"
    ROLLOUT_REQUESTED = "rollout_requested"
    ROLLOUT_STARTED = "rollout_started"
    ROLLOUT_PAUSED = "rollout_paused"
    ROLLOUT_RESUMED = "rollout_resumed"
    PROMOTION_REQUESTED = "promotion_requested"
    RELEASE_PUBLISHED = "release_published"
    TRAFFIC_SHIFTED = "traffic_shifted"
    ROLLOUT_ENDED = "rollout_ended"
    RELEASE_RETIRED = "release_retired"
    LAYER_REMOVED = "layer_removed"
    DRIFT_DETECTED = "drift_detected"
    PERFORMANCE_DROPPED = "performance_dropped"
    CONCEPT_DRIFT_DETECTED = "concept_drift_detected"
    SNAPSHOT_TAKEN = "snapshot_taken"
    RETRAINING_GIVEN_UP = "retraining_given_up"
    TOKEN_MADE = "token_made"  # noqa: S105 - no secret
    TOKEN_ROTATED = "token_rotated"  # noqa: S105 - no secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - no secret


@dataclass(frozen=True)
class LedgerEntry:
    """One thing done.

    Attributes:
        id: names the deed, so that a step which is repeated is recorded once.
        sequence: counts from 1 in each endpoint.
        actor: who did it: a function, or a person by the name AWS knows them by.
        details: numbers, names and reasons; never personal data.
        previous: the digest of the entry before.
    """

    endpoint: EndpointName
    id: str
    action: Action
    actor: str
    at: datetime
    details: Mapping[str, Detail] = field(default_factory=dict)
    sequence: int = 0
    previous: str = GENESIS

    @property
    def digest(self) -> str:
        """The entry's own link of the chain."""
        return digest_of(asdict(self) | {"at": self.at.isoformat()})

    def after(self, head: LedgerEntry | None) -> LedgerEntry:
        """Return the entry chained to the one before it."""
        if head is None:
            return replace(self, sequence=1, previous=GENESIS)
        return replace(self, sequence=head.sequence + 1, previous=head.digest)


@dataclass(frozen=True)
class LiveInterval:
    """What was serving from `start` until `end`; `end` is `None` while it still is."""

    start: datetime
    end: datetime | None
    stable: int
    candidate: int | None
    candidate_percent: int

    def holds(self, instant: datetime) -> bool:
        """Whether this was serving at an instant: its start belongs to it, its end to what came after."""
        return self.start <= instant and (self.end is None or instant < self.end)


def first_broken(entries: Sequence[LedgerEntry]) -> int | None:
    """Return the sequence of the first entry that does not follow from the one before; `None` if the chain holds."""
    head: LedgerEntry | None = None
    for entry in entries:
        if entry != entry.after(head):
            return entry.sequence
        head = entry
    return None


def what_was_live(entries: Iterable[LedgerEntry]) -> tuple[LiveInterval, ...]:
    """Derive from a ledger which releases served, with what weights, and when.

    Traffic moves first and is recorded then, so that an interval begins a moment after the move: as long as the
    write of the record takes, or, where the mover died in between, until whoever completes its work has recorded it.
    """
    intervals: list[LiveInterval] = []
    for entry in entries:
        if entry.action is not Action.TRAFFIC_SHIFTED:
            continue
        if intervals:
            intervals[-1] = replace(intervals[-1], end=entry.at)
        candidate = entry.details["candidate"]
        intervals.append(
            LiveInterval(
                start=entry.at,
                end=None,
                stable=int(entry.details["stable"] or 0),
                candidate=None if candidate is None else int(candidate),
                candidate_percent=int(entry.details["candidate_percent"] or 0),
            )
        )
    return tuple(intervals)
