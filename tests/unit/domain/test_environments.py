"""Failures that gather in one execution environment are told from those of a release."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.domain.environments import (
    Cluster,
    EnvironmentMinute,
    ReleaseEnvironments,
    environment_tally,
    gathered,
)
from serinus.domain.evidence import Tally


def minutes(*failures: int, requests: int = 50) -> list[EnvironmentMinute]:
    """Return a minute of as many environments, with those failures."""
    return [EnvironmentMinute(f"environment {at}", requests, failed) for at, failed in enumerate(failures)]


def watched(release: ReleaseEnvironments, minutes: Sequence[EnvironmentMinute]) -> ReleaseEnvironments:
    """Return the state with a tick more."""
    return release.observed(release.seen(minutes))


def test_an_ill_environment_is_found_and_stays_found() -> None:
    """One of four that fails much while the others do not is a cluster, and later calm does not unfind it."""
    release = ReleaseEnvironments()
    for _ in range(5):
        release = watched(release, minutes(0, 4, 0, 0))
    assert release.cluster is not None
    assert release.cluster.environment == "environment 1"
    assert watched(release, minutes(0, 0, 0, 0)).cluster == release.cluster


def test_one_failure_a_minute_adds_up_over_ticks() -> None:
    """An environment that fails seldom, but alone, is found by its share over time."""
    release = ReleaseEnvironments()
    for _ in range(15):
        release = watched(release, minutes(0, 1, 0, 0))
    assert release.cluster is not None


@pytest.mark.parametrize("failures", [(5, 5, 5, 5), (1, 0, 0, 1), (50,)])
def test_failures_of_the_release_itself_are_no_cluster(failures: tuple[int, ...]) -> None:
    """Failures spread over the environments, few ones, or those of an only environment do not gather."""
    assert watched(ReleaseEnvironments(), minutes(*failures)).cluster is None


@given(st.integers(0, 2**32))
def test_chance_seldom_gathers(seed: int) -> None:
    """Hundreds of failures at random over a handful of environments are no cluster."""
    random = np.random.default_rng(seed)
    release = ReleaseEnvironments()
    for _ in range(20):
        release = watched(release, minutes(*random.binomial(50, 0.02, 5).tolist()))
    assert release.cluster is None


@pytest.mark.parametrize(
    ("failures", "doubted"),
    [((3, 0, 0), True), ((4, 1, 0), True), ((2, 1, 1), False), ((5, 3, 3), False), ((9,), False), ((0, 0), False)],
)
def test_few_failures_are_doubted_where_the_others_hardly_fail(failures: tuple[int, ...], doubted: bool) -> None:
    """Before a cluster is found, failures are doubted where the other environments have less than half the share."""
    release = watched(ReleaseEnvironments(), minutes(*failures))
    assert release.cluster is None
    assert (release.doubt is not None) is doubted


def test_doubt_passes_where_the_others_fail_as_well() -> None:
    """What looked like one environment's fault is the release's once the others follow."""
    release = watched(ReleaseEnvironments(), minutes(4, 0, 0))
    assert release.doubt is not None
    assert watched(release, minutes(1, 3, 3)).doubt is None


def test_environment_minutes_can_leave_one_out() -> None:
    """The worst of the candidate's environments is left out, whatever it did; stable keeps all."""
    stable, candidate = (ReleaseEnvironments().seen(found) for found in (minutes(1, 0), minutes(9, 0, 1)))
    assert environment_tally(stable, candidate, leaving_out="environment 0") == Tally(2, 1, 2, 1)


def test_the_state_is_bounded() -> None:
    """However many environments fail, eight are kept."""
    release = ReleaseEnvironments()
    for start in range(0, 400, 20):
        release = watched(release, [EnvironmentMinute(f"{start + at}", 10, 1) for at in range(20)])
    assert len(release.suspects) == 8
    assert (release.requests, release.failures) == (4_000, 400)


def test_a_tick_of_many_environments_is_small() -> None:
    """A thousand of them over half an hour fit into an item of the table beside all else, and lose no suspect."""
    stream = "2026/03/04/[7]0123456789abcdef0123456789"
    many = [EnvironmentMinute(f"{stream}{at:06d}", 40, at % 7) for at in range(1_000) for _ in range(30)]
    release = watched(ReleaseEnvironments(), many[:3_000])
    seen = release.seen(many)
    assert len(json.dumps(asdict(seen))) < 3_000
    assert (seen.requests, seen.minutes, seen.environments) == (1_200_000, 30_000, 1_000)
    suspects = [suspect.environment for suspect in release.suspects]
    assert [counts.environment for counts in seen.suspects][:8] == suspects
    assert [counts.failures for counts in seen.suspects] == [180] * 16


def test_minutes_of_one_environment_add_up() -> None:
    """Ticks of several minutes name an environment more than once."""
    release = watched(ReleaseEnvironments(), [*minutes(1, 2), *minutes(3, 0)])
    assert [(suspect.requests, suspect.failures) for suspect in release.suspects] == [(100, 4), (100, 2)]
    assert release.environments == 2


def test_environment_minutes_are_bad_once() -> None:
    """A minute of an environment in which ten requests failed counts as one bad one."""
    stable, candidate = (ReleaseEnvironments().seen(found) for found in (minutes(0, 10), minutes(3)))
    assert environment_tally(stable, candidate) == Tally(2, 1, 1, 1)


def test_a_cluster_of_everything_is_as_clear_as_its_numbers() -> None:
    """In one of twenty environments failures are a cluster from the fourth on: 20⁻⁴ of chance, twenty times."""
    assert [gathered(Cluster("one", n, n, 5, 100), 20) for n in range(2, 6)] == [False, False, True, True]
