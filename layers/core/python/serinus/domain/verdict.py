"""What one look at a rollout says."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What one look at a rollout says."""

    ADVANCE = "advance"
    HOLD = "hold"
    ROLL_BACK = "roll_back"
