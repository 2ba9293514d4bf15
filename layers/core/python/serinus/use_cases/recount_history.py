"""What was done to an endpoint, and what was live when."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.ledger import LedgerEntry, LiveInterval, first_broken, what_was_live
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.ledger import Ledger


@dataclass(frozen=True)
class History:
    """What the ledger says; `broken_at` is the first entry that does not follow from the one before."""

    entries: tuple[LedgerEntry, ...]
    live: tuple[LiveInterval, ...]
    broken_at: int | None


def recount_history(endpoint: str, *, policies: Policies, ledger: Ledger) -> History:
    """Return what was done to the endpoint, and what was live when.

    Raises:
        EndpointNotFound: no such endpoint is deployed.
    """
    policies.get(endpoint)
    entries = tuple(ledger.entries(endpoint))
    return History(entries, what_was_live(entries), first_broken(entries))
