"""When an answer counts as slow."""

from __future__ import annotations

import numpy as np
import pytest

from serinus.domain.latency import slow_from_ms, slow_requests
from serinus.domain.layout import Outcome, layout_from
from serinus.domain.profile import Profile
from tests.builders import a_signature, a_table, scores_of

LAYOUT = layout_from(a_signature(), a_table(), scores_of(a_table()))


def a_profile(*latencies_ms: float | None) -> Profile:
    """Return requests that took so long; `None` for one that crashed."""
    slots = np.concatenate([LAYOUT.request_slots(Outcome.ANSWERED, latency) for latency in latencies_ms])
    return Profile(LAYOUT, np.bincount(slots, minlength=LAYOUT.size).astype(np.int64))


def test_slow_is_a_quarter_above_stables_p95_on_an_edge() -> None:
    """The threshold is the first edge of the histogram at or above 1.25 × p95, a bin wide of it at the most."""
    threshold = slow_from_ms(a_profile(*[20.0] * 95, *[40.0] * 5), slo_ms=5)
    assert threshold in LAYOUT.latency.edges
    assert 25 <= threshold <= 25 * 1.15**2


def test_the_slo_is_the_least() -> None:
    """Answers within the SLO are not slow, however quick stable is; without a past the SLO alone counts."""
    for profile in (a_profile(*[20.0] * 100), Profile(LAYOUT, np.zeros(LAYOUT.size, dtype=np.int64))):
        assert 1_000 <= slow_from_ms(profile, slo_ms=1_000) <= 1_150


def test_an_slo_past_the_histogram_is_its_last_edge() -> None:
    """There is no slower bin to count."""
    assert slow_from_ms(a_profile(20.0), slo_ms=1e9) == LAYOUT.latency.edges[-1]


@pytest.mark.parametrize(("latency", "slow"), [(24.0, 0), (40.0, 1), (60_000.0, 1), (None, 0)])
def test_slow_requests_are_those_from_the_threshold_on(latency: float | None, slow: int) -> None:
    """A latency is slow from the threshold on, beyond the histogram too; a crash has none."""
    threshold = slow_from_ms(a_profile(*[20.0] * 100), slo_ms=5)
    assert slow_requests(a_profile(latency, 0.01, 20.0), from_ms=threshold) == slow


def test_the_last_edge_itself_is_not_slow_beyond_it() -> None:
    """With the last edge for a threshold, what lies above all edges is slow."""
    last = LAYOUT.latency.edges[-1]
    assert slow_requests(a_profile(last * 2, last / 2), from_ms=last) == 1
