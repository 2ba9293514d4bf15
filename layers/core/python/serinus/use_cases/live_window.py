"""Read what the stable release has served of late, as everything that watches it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from serinus.domain.profile import Profile, of_parts, of_periods
from serinus.domain.rollout import Release
from serinus.use_cases.ports import Policies, ProfileParts, References, Rollouts, Traffic

_HOUR = timedelta(hours=1)
_PERIODS = 24  # of a short window; a long one has its hours
PAST_WINDOWS = 28  # four weeks of days: every day of the week four times


@dataclass(frozen=True)
class Reading:
    """What reading live traffic needs of the world."""

    policies: Policies
    rollouts: Rollouts
    traffic: Traffic
    references: References
    parts: ProfileParts


@dataclass(frozen=True)
class LiveWindow:
    """What a release has served in a window.

    Attributes:
        start: when the window begins.
        periods: the window in consecutive periods, which add up to it.
    """

    release: Release
    reference: Profile
    start: datetime
    end: datetime
    periods: tuple[Profile, ...]

    @property
    def profile(self) -> Profile:
        """All of the window."""
        return sum(self.periods[1:], self.periods[0])


def live_release(endpoint: str, *, reading: Reading) -> tuple[Release, Profile] | None:
    """Return the stable release and its reference profile; `None` where nothing is released yet."""
    release = reading.rollouts.release(endpoint, reading.traffic.current(endpoint).stable)
    reference = reading.references.get(endpoint, release.content_digest) if release else None
    return None if release is None or reference is None else (release, reference)


def live_window(
    release: Release, reference: Profile, *, parts: ProfileParts, start: datetime, end: datetime
) -> LiveWindow:
    """Return what the release has served in [start, end)."""
    read = parts.read(release.endpoint, release.number, start, end)
    periods = of_periods(reference.layout, read, _edges(start, end))
    return LiveWindow(release, reference, start, end, periods)


def past_windows(window: LiveWindow, *, reading: Reading) -> Iterator[tuple[Profile, ...]]:
    """Yield the windows of the same length before this one, the oldest first, as one release after the other counted.

    The live release comes first, and then those before it: a new model's traffic is still the endpoint's. Windows
    in which a release did not serve are empty.
    """
    yield _past(window, reading.parts)
    for earlier in reversed(reading.rollouts.releases(window.release.endpoint)):
        reference = reading.references.get(earlier.endpoint, earlier.content_digest)
        if earlier.number < window.release.number and reference is not None:
            yield _past(replace(window, release=earlier, reference=reference), reading.parts)


def _past(window: LiveWindow, parts: ProfileParts) -> tuple[Profile, ...]:
    length = window.end - window.start
    end = window.start if length < _HOUR else _whole_hour(window.start)
    edges = [end - length * number for number in range(PAST_WINDOWS, -1, -1)]
    if length < _HOUR or length % _HOUR == timedelta(0):
        read = parts.read(window.release.endpoint, window.release.number, edges[0], edges[-1])
        return of_periods(window.reference.layout, read, edges)
    return tuple(_period(window, begin, until, parts) for begin, until in pairwise(edges))


def _period(window: LiveWindow, start: datetime, end: datetime, parts: ProfileParts) -> Profile:
    read = parts.read(window.release.endpoint, window.release.number, start, end)
    return of_parts(window.reference.layout, read, start, end)


def _edges(start: datetime, end: datetime) -> list[datetime]:
    """Cut a window at its whole hours, which may be folded; one of an hour or less into equal periods."""
    if end - start <= _HOUR:
        return [start + (end - start) * number / _PERIODS for number in range(_PERIODS + 1)]
    edges, hour = [start], _whole_hour(start) + _HOUR
    while hour < end:
        edges.append(hour)
        hour += _HOUR
    return [*edges, end]


def _whole_hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
