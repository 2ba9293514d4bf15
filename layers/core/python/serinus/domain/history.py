"""Held-out snapshots of the past: what earlier versions were validated on, as a candidate scored it."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.gates import Finding
from serinus.domain.held_out import HeldOutRows


@dataclass(frozen=True, eq=False)
class HistoricalRows:
    """What one earlier version was validated on."""

    version: int
    rows: HeldOutRows


@dataclass(frozen=True)
class History:
    """What of the past could be scored, and a finding for each snapshot that was passed over."""

    snapshots: tuple[HistoricalRows, ...] = ()
    passed_over: tuple[Finding, ...] = ()
