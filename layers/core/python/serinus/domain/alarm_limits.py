"""What an endpoint's own alarms ring for, and whom they tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AlarmLimits:
    """The limits that are no other part of the policy: drift, and broken floors, ring by theirs.

    Attributes:
        failing_share_percent: of the requests of five minutes, at which the endpoint counts as failing.
        latency_p95_ms: the 95th percentile of five minutes' invocations above which it counts as slow, in
            milliseconds; `None` where that is not watched.
        topics: the ARNs of the SNS topics that are told when an alarm rings, and when it no longer does.
    """

    failing_share_percent: float = 5.0
    latency_p95_ms: float | None = None
    topics: tuple[str, ...] = ()
