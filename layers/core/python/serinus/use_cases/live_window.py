"""Read what the stable release has served of late, as everything that watches it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from serinus.domain.policy import Baseline
from serinus.domain.profile import Profile, of_parts, of_periods
from serinus.domain.rollout import Release
from serinus.domain.seasons import MOST_PAST_WINDOWS, PastWindow
from serinus.use_cases.ports.endpoints import Policies
from serinus.use_cases.ports.registry import References
from serinus.use_cases.ports.releases import Traffic
from serinus.use_cases.ports.rollouts import Rollouts
from serinus.use_cases.ports.watching import ProfileParts

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_PERIODS = 24  # of a short window; a long one has its hours


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


def past_windows(window: LiveWindow, baseline: Baseline, *, reading: Reading) -> Iterator[Sequence[PastWindow]]:
    """Yield earlier windows of the same length and hours, as one release after the other counted.

    The live release comes first, and then those before it: a new model's traffic is still the endpoint's. Of each
    come its first windows, in which it served what it was validated for, and then its latest; where the window is
    compared with last week, only those. Windows in which a release did not serve are empty.
    """
    since = _since_published(window)
    if baseline is Baseline.REFERENCE and since > MOST_PAST_WINDOWS + 1:
        yield _past(window, range(since - MOST_PAST_WINDOWS, since), reading.parts)
    yield _past(window, range(1, min(since, MOST_PAST_WINDOWS) + 1), reading.parts)
    for earlier in reversed(reading.rollouts.releases(window.release.endpoint)):
        reference = reading.references.get(earlier.endpoint, earlier.content_digest)
        if earlier.number < window.release.number and reference is not None:
            before = replace(window, release=earlier, reference=reference)
            yield _past(before, range(1, min(_since_published(before), MOST_PAST_WINDOWS) + 1), reading.parts)


def _since_published(window: LiveWindow) -> int:
    """Return how many past windows there have been since the release was published, the first one in part."""
    return max((window.start - window.release.published_at) // _step(window), 0) + 1


def _step(window: LiveWindow) -> timedelta:
    """Return how far one past window lies from the next: whole days, so that all have the hours of the day."""
    return -((window.start - window.end) // _DAY) * _DAY


def _past(window: LiveWindow, numbers: Sequence[int], parts: ProfileParts) -> Sequence[PastWindow]:
    """Return past windows by how many steps they lie before this one."""
    length, step = window.end - window.start, _step(window)
    start = window.start if length < _HOUR else _whole_hour(window.start)
    begins = [start - step * number for number in numbers]
    if length == step:  # one after the other, and whole hours
        edges = [*reversed(begins), begins[0] + length]
        read = parts.read(window.release.endpoint, window.release.number, edges[0], edges[-1])
        profiles = of_periods(window.reference.layout, read, edges)[::-1]
    else:
        profiles = tuple(_period(window, begin, begin + length, parts) for begin in begins)
    days = step // _DAY
    return [PastWindow(days * number, profile) for number, profile in zip(numbers, profiles, strict=True)]


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
