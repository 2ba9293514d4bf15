"""What a look at drift compares: the window by its periods, and the endpoint's own past windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from serinus.domain.policy import Baseline, DriftLimits
from serinus.domain.profile import Profile, of_parts
from serinus.use_cases.compact_profiles import compact_profiles
from serinus.use_cases.live_window import LiveWindow, live_release, live_window, past_windows
from serinus.use_cases.look_for_drift import DriftLook, look_for_drift
from tests.builders import DRIFT, FRAUD, NOON, World, a_policy, a_prediction, a_table, built_once


@built_once
def serving_world(*, minutes: int, rows_a_request: int = 10) -> World:
    """Return a world that has answered a request a minute for so long."""
    world = World()
    world.published()
    for minute in range(minutes):
        rows = a_table(rows_a_request, seed=minute)
        world.collect([a_prediction(f"m{minute}", at=world.now, features=rows)], release=2)
        world.later(60)
    return world


@built_once
def serving_days(*, window_minutes: int, days: int, every: int = 10, drift: DriftLimits | None = None) -> World:
    """Return a world that has answered some requests in the window's hours, today and on so many days before."""
    world = World(a_policy(drift=drift or replace(DRIFT, window_minutes=window_minutes, minimum_rows=30)))
    world.published()
    asked = min(window_minutes, 120)
    for day in range(days + 1):
        for minute in range(0, asked, min(every, asked // 2)):
            at = world.now + timedelta(minutes=minute)
            prediction = a_prediction(f"d{day}m{minute}", at=at, features=a_table(40, seed=100 * day + minute))
            world.collect([prediction], release=2)
        world.later(86_400 if day < days else 60 * asked)
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
    world = serving_world(minutes=200)
    if folded:
        compact_profiles(FRAUD, compacting=world.compacting)
    world.later(13)
    window = window_of(world, minutes)
    assert window.profile == whole(world, window, window.start, window.end)
    assert window.profile.rows == 10 * (minutes - 1)  # the thirteen seconds since the last are empty
    assert len(window.periods) == (24 if minutes <= 60 else len(window.periods))
    assert len(window.periods) >= minutes // 60


@pytest.mark.parametrize("minutes", [7, 60, 90, 1_440])
def test_past_windows_have_the_same_hours_of_earlier_days(minutes: int) -> None:
    """As long as the window, at its time of day, the latest first; long ones lie at whole hours, may be folded."""
    world = serving_days(window_minutes=minutes, days=4)
    compact_profiles(FRAUD, compacting=world.compacting)
    window = window_of(world, minutes)
    past = next(past_windows(window, Baseline.REFERENCE, reading=world.reading))
    start = window.start if minutes < 60 else window.start.replace(minute=0, second=0, microsecond=0)
    assert [each.days_before for each in past[:3]] == [1, 2, 3]
    for each in past[:3]:
        begun = start - timedelta(days=each.days_before)
        assert each.profile == whole(world, window, begun, begun + timedelta(minutes=minutes))
        assert each.profile.rows > 0


def test_a_windows_length_in_days_is_how_far_past_windows_lie_apart() -> None:
    """Weeks lie a week apart, and a day and a half two days: the hours of the day are the same."""
    world = serving_days(window_minutes=60, days=16)
    for minutes, days in ((10_080, [7, 14]), (2_160, [2, 4])):
        past = next(past_windows(window_of(world, minutes), Baseline.REFERENCE, reading=world.reading))
        assert [each.days_before for each in past][:2] == days
        assert past[0].profile.rows > 0


def test_a_long_lived_release_is_told_by_its_first_windows_and_compared_with_its_latest() -> None:
    """What the endpoint was like after validation is the measure; last week is only asked for by the policy."""
    world = serving_days(window_minutes=60, days=70, every=30)
    window = window_of(world, 60)
    known = [each.days_before for each in next(past_windows(window, Baseline.REFERENCE, reading=world.reading))]
    assert (len(known), max(known) >= 69, min(known) > 7) == (56, True, True)
    latest = next(past_windows(window, Baseline.SAME_HOURS_LAST_WEEK, reading=world.reading))
    assert [each.days_before for each in latest] == list(range(1, 57))
    assert look(world).report.past_windows == 56


def test_last_week_is_what_the_window_is_compared_with_where_the_policy_asks() -> None:
    """The same hours of it, whose profile the look returns; the reference, before there is a last week."""
    policy = replace(DRIFT, window_minutes=60, minimum_rows=30, compare_with=Baseline.SAME_HOURS_LAST_WEEK)
    found = look(serving_days(window_minutes=60, days=17, drift=policy))
    assert (found.report.baseline, found.report.past_windows) == (Baseline.SAME_HOURS_LAST_WEEK, 17)
    assert found.baseline.rows == found.window.profile.rows
    first = look(serving_days(window_minutes=60, days=5, drift=policy))
    assert (first.report.baseline, first.baseline) == (Baseline.REFERENCE, first.window.reference)


def test_a_release_without_a_past_is_told_by_the_one_before_it() -> None:
    """A new model's traffic is still the endpoint's."""
    world = serving_days(window_minutes=60, days=9)
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
    """Seven windows with enough rows are not eight; and a release published a moment ago has none."""
    assert look(serving_days(window_minutes=60, days=7)).report.past_windows == 0
    assert look(serving_days(window_minutes=60, days=8)).report.past_windows == 8
    assert look(serving_days(window_minutes=60, days=0)).report.past_windows == 0


def test_before_anything_is_released_there_is_nothing_to_look_at() -> None:
    """The alias points at the version that answers 503."""
    assert look_for_drift(FRAUD, at=NOON, reading=World().reading) is None
