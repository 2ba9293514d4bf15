"""Announce what a schedule finds, once in a while and not at every look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Release
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.rollouts import Rollouts


@dataclass(frozen=True)
class Announcement:
    """What there is to say of a release.

    Attributes:
        deed: what the ledger's entry is named after.
        event: the name of the event on the bus.
        cooling: how long the same is not said again of the same release.
    """

    endpoint: EndpointName
    release: Release
    deed: str
    event: str
    action: Action
    actor: str
    details: Mapping[str, Detail]
    cooling: timedelta


def announce(announcement: Announcement, *, at: datetime, rollouts: Rollouts, ledger: Ledger, events: Events) -> bool:
    """Tell the bus and then the ledger; return whether it was told.

    Nothing is told while a rollout is under way: the cure may be on its way, and the next look sees what it changed.
    The announcement is sent before it is recorded: who dies in between announces again.
    """
    endpoint, release = announcement.endpoint, announcement.release
    if rollouts.active(endpoint) is not None:
        return False
    period = int(at.timestamp() // announcement.cooling.total_seconds())
    before, deed = (f"{announcement.deed}:{release.number}:{number}" for number in (period - 1, period))
    earlier = [entry for entry in (ledger.find(endpoint, name) for name in (before, deed)) if entry]
    if any(at - entry.at < announcement.cooling for entry in earlier):
        return False
    details = {"release": release.number, "version": release.model_version, **announcement.details}
    entry = LedgerEntry(endpoint, deed, announcement.action, announcement.actor, at, details)
    events.publish(announcement.event, entry)
    ledger.append(entry)
    return True
