"""Move the endpoint's alias, and record what is live from then on."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Split
from serinus.use_cases.ports.clock import Clock
from serinus.use_cases.ports.ledger import Events, Ledger
from serinus.use_cases.ports.releases import Alarms, Traffic
from serinus.use_cases.ports.rollouts import Rollouts


@dataclass(frozen=True)
class Conducting:
    """What carrying a rollout needs of the world."""

    rollouts: Rollouts
    traffic: Traffic
    alarms: Alarms
    ledger: Ledger
    events: Events
    clock: Clock


def shift_traffic(
    endpoint: EndpointName,
    split: Split,
    *,
    expected: Split | None,
    deed: str,
    actor: str,
    reason: str,
    conducting: Conducting,
) -> None:
    """Send traffic as `split` says, in one call, and put it into the ledger.

    Args:
        endpoint: whose alias to move.
        split: where traffic is to go.
        expected: where it must be going now; `None` to move it whatever it does.
        deed: names the move, so that a repeated step is recorded once.
        actor: who moves it.
        reason: why.
        conducting: what it needs of the world.

    Raises:
        RevisionChanged: traffic does not go where it was expected to.
    """
    if expected != split:
        conducting.traffic.shift(endpoint, split, expected=expected)
    record_shift(endpoint, split, deed=deed, actor=actor, reason=reason, conducting=conducting)


def record_shift(
    endpoint: EndpointName, split: Split, *, deed: str, actor: str, reason: str, conducting: Conducting
) -> None:
    """Put a move that has happened into the ledger and on the bus; doing so again changes nothing."""
    details: dict[str, Detail] = {
        "stable": split.stable,
        "candidate": split.candidate,
        "candidate_percent": split.candidate_percent,
        "reason": reason,
    }
    entry = LedgerEntry(endpoint, f"shifted:{deed}", Action.TRAFFIC_SHIFTED, actor, conducting.clock(), details)
    conducting.ledger.append(entry)
    conducting.events.publish("TrafficShifted", entry)
