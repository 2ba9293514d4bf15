"""What a look at drift compares: the window by its periods, and the endpoint's own past windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from serinus.domain.profile import Profile, of_parts
from serinus.use_cases.compact_profiles import compact_profiles
from serinus.use_cases.live_window import LiveWindow, live_release, live_window, past_windows
from serinus.use_cases.look_for_drift import DriftLook, look_for_drift
from tests.builders import DRIFT, FRAUD, NOON, World, a_policy, a_prediction, a_table


def serving_world(*, window_minutes: int, minutes: int, rows_a_request: int = 10) -> World:
    """Return a world that has answered a request a minute for so long."""
    world = World(a_policy(drift=replace(DRIFT, window_minutes=window_minutes, minimum_rows=30)))
    world.published()
    for minute in range(minutes):
        rows = a_table(rows_a_request, seed=minute)
        world.collect([a_prediction(f"m{minute}", at=world.now, features=rows)], release=2)
        world.later(60)
    return world


def window_of(world: World, minutes: int) -> LiveWindow:
    """Read the last minutes."""
    live = live_release(FRAUD, reading=world.reading)
    assert live is not None
    return live_window(*live, parts=world.parts, start=world.now - timedelta(minutes=minutes), end=world.now)


def whole(world: World, window: LiveWindow, start: datetime, end: datetime) -> Profile:
    """Count a stretch of time at once."""
    parts = world.parts.read(FRAUD, 2, start, end)
    return of_parts(window.reference.layout, parts, start, end)


def look(world: World) -> DriftLook:
    """Look now."""
    found = look_for_drift(FRAUD, at=world.now, reading=world.reading)
    assert found is not None
    return found


@pytest.mark.parametrize("minutes", [7, 60, 90, 185])
@pytest.mark.parametrize("folded", [False, True])
def test_periods_add_up_to_the_window_whatever_was_folded(minutes: int, folded: bool) -> None:
    """Nothing is counted twice or left out, at the edges of hours as elsewhere."""
    world = serving_world(window_minutes=minutes, minutes=200)
    if folded:
        compact_profiles(FRAUD, compacting=world.compacting)
    world.later(13)
    window = window_of(world, minutes)
    assert window.profile == whole(world, window, window.start, window.end)
    assert window.profile.rows == 10 * (minutes - 1)  # the thirteen seconds since the last are empty
    assert len(window.periods) == (24 if minutes <= 60 else len(window.periods))
    assert len(window.periods) >= minutes // 60


@pytest.mark.parametrize("minutes", [7, 60, 90])
def test_past_windows_lie_one_behind_the_other_before_the_window(minutes: int) -> None:
    """As long as it, and apart from it; long ones begin at whole hours, which may have been folded."""
    world = serving_world(window_minutes=minutes, minutes=400)
    compact_profiles(FRAUD, compacting=world.compacting)
    window = window_of(world, minutes)
    past = next(past_windows(window, reading=world.reading))
    length = timedelta(minutes=minutes)
    end = window.start if minutes < 60 else window.start.replace(minute=0, second=0, microsecond=0)
    assert len(past) == 28
    for number in range(1, 4):
        begun = end - number * length
        assert past[-number] == whole(world, window, begun, begun + length)
        assert past[-number].rows == 10 * minutes


def test_a_release_without_a_past_is_told_by_the_one_before_it() -> None:
    """A new model's traffic is still the endpoint's."""
    world = serving_world(window_minutes=5, minutes=60)
    rollout = world.published("2")
    while world.rollouts.active(FRAUD) is not None:
        world.later(60)
        world.serve(2, 30)
        world.serve(3, 30)
        world.later(40)
        world.advance(rollout)
    world.serve(3, 60)
    world.later(30)
    found = look(world)
    assert (found.window.release.number, found.report.rows >= 30) == (3, True)
    assert found.report.past_windows >= 8


def test_too_few_past_windows_tell_nothing() -> None:
    """Seven windows with enough rows are not eight."""
    assert look(serving_world(window_minutes=5, minutes=40)).report.past_windows == 0
    assert look(serving_world(window_minutes=5, minutes=45)).report.past_windows == 8


def test_before_anything_is_released_there_is_nothing_to_look_at() -> None:
    """The alias points at the version that answers 503."""
    assert look_for_drift(FRAUD, at=NOON, reading=World().reading) is None
