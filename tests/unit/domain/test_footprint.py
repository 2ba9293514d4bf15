"""Footprint: what was measured is held against the policy, and noise of the machine fails no good model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.footprint import Footprint, judge_footprint, judge_size, quickest
from serinus.domain.model_gates import FootprintLimits

FOUND = Footprint(
    row_p50_ms=2.0, row_p95_ms=4.0, rows=200, rows_per_second=9_000.0, batch_rows=1_000, memory_mb=300.0
)


def failing(limits: FootprintLimits, found: Footprint = FOUND, *, memory_mb: int = 1_024) -> list[str]:
    """Return the gates that fail."""
    findings = judge_footprint(limits, found, memory_mb=memory_mb, slo_latency_ms=100.0)
    return [finding.gate for finding in findings if not finding.passed]


@pytest.mark.parametrize(("limits", "gates"), [
    (FootprintLimits(), []),
    (FootprintLimits(maximum_row_latency_ms=3.9), ["footprint:latency"]),
    (FootprintLimits(maximum_row_latency_ms=4.0), []),
    (FootprintLimits(minimum_rows_per_second=9_001.0), ["footprint:batch"]),
    (FootprintLimits(minimum_rows_per_second=9_000.0), []),
    (FootprintLimits(maximum_memory_mb=299.0), ["footprint:memory"]),
    (FootprintLimits(maximum_memory_mb=300.0), []),
])  # fmt: skip
def test_each_limit_is_held_on_its_own(limits: FootprintLimits, gates: list[str]) -> None:
    """At the limit is within it."""
    assert failing(limits) == gates


@pytest.mark.parametrize("limit", [None, 2_000.0])
def test_a_model_that_takes_more_than_the_function_has_fails_whatever_the_policy_says(limit: float | None) -> None:
    """Its release could not start."""
    assert failing(FootprintLimits(maximum_memory_mb=limit), memory_mb=256) == ["footprint:memory"]


@pytest.mark.parametrize(("limit", "gates"), [(None, []), (500.0, ["footprint:memory"])])
def test_memory_that_cannot_be_told_fails_only_what_is_limited(limit: float | None, gates: list[str]) -> None:
    """A demand that cannot be looked at is not met."""
    assert failing(FootprintLimits(maximum_memory_mb=limit), replace(FOUND, memory_mb=None)) == gates


def test_the_slo_and_the_functions_memory_stand_beside_what_was_measured() -> None:
    """Told, with the policy's own words."""
    said = [
        finding.message for finding in judge_footprint(FootprintLimits(), FOUND, memory_mb=1_024, slo_latency_ms=50.0)
    ]
    assert "slo_latency_ms = 50" in said[0]
    assert "9,000 rows a second" in said[1]
    assert "serving.memory_mb = 1024" in said[2]


def test_a_model_may_be_as_large_as_the_limit() -> None:
    """And no larger."""
    assert judge_size(FootprintLimits(maximum_model_mb=1.0), 1_000_000).passed
    assert not judge_size(FootprintLimits(maximum_model_mb=1.0), 1_000_001).passed
    assert judge_size(FootprintLimits(), 199_000_000).passed


times = st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20)


@given(quiet=times, noisy=st.lists(times, max_size=4), slowdown=st.floats(1, 1e6))
def test_other_repeats_never_make_a_model_look_slower(
    quiet: list[float], noisy: list[list[float]], slowdown: float
) -> None:
    """One quiet repeat is enough, however busy the machine was during the others."""
    busy = [[seconds * slowdown for seconds in repeat] for repeat in noisy]
    alone, among = quickest([quiet]), quickest([*busy, quiet])
    assert among[0] <= alone[0]
    assert among[1] <= alone[1]
