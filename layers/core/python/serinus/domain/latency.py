"""When an answer is slow, for the comparison of a candidate with stable."""

from __future__ import annotations

import numpy as np

from serinus.domain.bins import NumericBins
from serinus.domain.profile import Profile

_SLOWER = 1.25


def slow_from_ms(stable: Profile, *, slo_ms: float) -> float:
    """Return the latency from which an answer counts as slow: max(SLO, 1.25 × stable's p95), in milliseconds.

    It is rounded up to an edge of the latency histogram, since that is what requests are counted by; the last edge at
    the most.

    Args:
        stable: what stable did before the rollout began. Without requests, the SLO alone counts.
        slo_ms: the latency that the policy promises.
    """
    earlier = stable.latency_ms(0.95) or 0.0
    edges = np.asarray(stable.layout.latency.edges)
    return float(edges[min(int(np.searchsorted(edges, max(slo_ms, _SLOWER * earlier))), edges.size - 1)])


def slow_requests(profile: Profile, *, from_ms: float) -> int:
    """Count the requests that took as long or longer, to the width of a bin of the latency histogram.

    Requests without a latency, which are those that crashed, are not among them: they are errors.
    """
    edges = np.asarray(profile.layout.latency.edges)
    first = int(np.searchsorted(edges, from_ms)) + NumericBins.SPECIAL
    return int(profile.counts[profile.layout.latency_section][first:].sum())
