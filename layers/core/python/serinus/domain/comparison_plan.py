"""How a candidate is held against the model that is live.

The policy holds it, so this module imports none of it; nor numpy, without which policies are read.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_HISTORICAL_SNAPSHOTS = 5  # each is read, and scored by both models


@dataclass(frozen=True)
class ComparisonPlan:
    """What a candidate is compared on, besides its own held-out rows.

    Attributes:
        historical_snapshots: on how many snapshots that earlier versions were validated on, the most recent first.
    """

    historical_snapshots: int = 2


DEFAULT_COMPARISON = ComparisonPlan()
