"""What earlier windows tell: the day of the week explains itself, and a drift that lasts excuses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from serinus.domain.bins import Counts
from serinus.domain.chance import chance_of
from serinus.domain.drift import DriftReport, baseline_of, compare
from serinus.domain.layout import Layout, layout_from
from serinus.domain.policy import Baseline, DriftLimits
from serinus.domain.profile import Profile, of_rows
from serinus.domain.seasons import PastCounts, PastWindow, settled, telling, week_before
from tests.builders import a_signature, a_table, scores_of

LIMITS = DriftLimits(minimum_rows=500)
LAST_WEEK = replace(LIMITS, compare_with=Baseline.SAME_HOURS_LAST_WEEK)
REFERENCE = a_table(4_000)
LAYOUT = layout_from(a_signature(), REFERENCE, scores_of(REFERENCE))


def day(seed: int, shift: float, layout: Layout = LAYOUT, rows: int = 1_000) -> Profile:
    """Return a day's profile, its amounts shifted by so many standard deviations."""
    served = a_table(rows, seed=seed, shift=shift)
    return of_rows(layout, served, scores_of(served))


def look(level: Callable[[int], float], limits: DriftLimits = LIMITS, *, days: int = 56) -> DriftReport:
    """Look at day 0; `level` is the amounts' shift so many days before it, a wandering day by day apart."""
    wandering = 0.05 * np.random.default_rng(1).normal(size=days + 1)
    past = [PastWindow(ago, day(100 + ago, level(ago) + wandering[ago])) for ago in range(1, days + 1)]
    periods = [day(2_000 + number, level(0), rows=50) for number in range(24)]
    return compare(day(1, 0.0, rows=4_000), periods, limits, past)


def test_a_day_of_the_week_that_differs_as_it_always_does_is_no_drift() -> None:
    """Far from the reference, and what this day is like; the same shift on another day is drift."""
    sundays = look(lambda ago: 0.7 * (ago % 7 == 0))
    assert (sundays.drifted, sundays.features[0].psi > 0.1) == (False, True)
    assert look(lambda ago: 0.7 * (ago % 7 == 3 or ago == 0)).drifted


def test_too_few_weeks_do_not_tell_a_day_apart() -> None:
    """Two Sundays are noise among other days, which excuses this one, too."""
    found = look(lambda ago: 0.7 * (ago % 7 == 0), days=14)
    assert (found.drifted, found.past_windows) == (False, 14)
    assert found.features[0].design_effect > 5


@pytest.mark.parametrize("lasting", [1, 7, 14])
def test_drift_that_lasts_stays_drift(lasting: int) -> None:
    """For as long as the latest windows are left out of the noise, it is as far beyond chance as on its first day."""
    found = look(lambda ago: 0.6 * (ago <= lasting))
    first = look(lambda ago: 0.6 * (ago == 0))
    assert (found.drifted, first.drifted, found.past_windows) == (True, True, 42)
    assert found.features[0].chance == pytest.approx(first.features[0].chance)


def test_against_last_week_only_what_is_new_is_drift() -> None:
    """A level of four weeks is none; one of today is, and so is one that went away."""
    assert not look(lambda ago: 0.9 * (ago <= 28), LAST_WEEK).drifted
    for level in (lambda ago: 0.9 * (ago == 0), lambda ago: 0.9 * (0 < ago <= 7)):
        found = look(level, LAST_WEEK)
        assert (found.baseline, found.drifted) == (Baseline.SAME_HOURS_LAST_WEEK, True)


def test_days_of_the_week_and_noise_are_those_of_weeks() -> None:
    """Where weeks are alike, a weekend is no drift against the one before it."""
    found = look(lambda ago: 0.9 * (ago % 7 == 0), LAST_WEEK)
    assert (found.drifted, found.features[0].psi < 0.1) == (False, True)


def test_without_a_last_week_counted_alike_the_reference_is_the_baseline() -> None:
    """Too few rows that day, bins of another model, no such day, or too few days to tell how far weeks stray."""
    reference = day(1, 0.0)
    other = layout_from(a_signature(), a_table(300, seed=9), scores_of(a_table(300, seed=9)))
    whole = [PastWindow(ago, day(ago, 0.0)) for ago in range(1, 22)]
    assert baseline_of(reference, LAST_WEEK, whole) == (Baseline.SAME_HOURS_LAST_WEEK, whole[6].profile)
    for spoilt in (day(7, 0.0, rows=499), day(7, 0.0, other)):
        past = [replace(each, profile=spoilt) if each.days_before == 7 else each for each in whole]
        assert baseline_of(reference, LAST_WEEK, past) == (Baseline.REFERENCE, reference)
    assert baseline_of(reference, LAST_WEEK, whole[:14]) == (Baseline.REFERENCE, reference)
    assert baseline_of(reference, LAST_WEEK, whole[:15]) == (Baseline.SAME_HOURS_LAST_WEEK, whole[6].profile)
    assert week_before(whole[:6], LAYOUT.digest, minimum_rows=1) is None


def test_the_latest_two_weeks_tell_nothing_while_enough_others_do() -> None:
    """Whatever order they come in; and windows with too few rows never tell."""
    past = [PastWindow(ago, day(ago, 0.0, rows=500 if ago % 2 else 499)) for ago in range(60, 0, -1)]
    assert [each.days_before % 2 for each in telling(past, minimum_rows=500)] == [1] * 30
    assert telling(past[:14], minimum_rows=500) == []
    assert min(each.days_before for each in settled(past)) == 15
    assert settled(past[-41:]) == past[-41:]


def test_chances_are_as_rare_as_told_on_the_day_of_the_week() -> None:
    """Of 400 windows on days that differ and wander, about 5 % seem less likely than 5 %."""
    shares = np.array([0.1, 0.2, 0.3, 0.4])

    def drawn(chance: np.random.Generator, days: Counts, rows: int) -> Counts:
        tilt = 0.5 * (days % 7 == 0) + 0.15 * chance.normal(size=len(days))
        tilted = shares * np.exp(tilt[:, None] * np.arange(4))
        return np.array([chance.multinomial(rows, each / each.sum()) for each in tilted])

    chance, beyond = np.random.default_rng(5), 0
    reference = drawn(chance, np.arange(7 * 200), 1_000).sum(axis=0)
    for _ in range(400):
        days = np.arange(1, 57)
        past = PastCounts(drawn(chance, days, 1_000), days, alike=True)
        live = drawn(chance, np.array([0]), 1_000)[0]
        beyond += bool(chance_of(past.expected(reference), live, past.noise(live)) < 0.05)
    assert 0.015 < beyond / 400 < 0.09
