"""Objects filed by minute, and how to find those of a window with few listings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from serinus.domain.profile import minute_of
from serinus.use_cases.ports.storage import Objects

_BY_HOUR_UP_TO = timedelta(hours=6)
_AT_ONCE = 16


def bodies(objects: Objects, folder: str, start: datetime, end: datetime) -> Iterator[bytes]:
    """Yield every object of the minutes that touch [start, end), in the order of keys, fetching several at a time."""
    return fetched(objects, keys_within(objects, folder, start, end))


def keys_within(objects: Objects, folder: str, start: datetime, end: datetime) -> Sequence[str]:
    """Return the key of every object of the minutes that touch [start, end), in order.

    Args:
        objects: where they are.
        folder: the prefix before the minute, ending in a slash.
        start: the window's start.
        end: its end, exclusive.
    """
    first, last = minute_of(start), minute_of(end - timedelta(microseconds=1))
    listed = [key for prefix in prefixes(start, end) for key in objects.list(folder + prefix)]
    return [key for key in listed if first <= key.removeprefix(folder).split("/")[0] <= last]


def fetched(objects: Objects, keys: Sequence[str], *, at_most: int | None = None) -> Iterator[bytes]:
    """Yield objects, fetching several at a time, and no more of them than one round ahead of who takes them.

    Args:
        objects: where they are.
        keys: of those wanted, in order.
        at_most: how many are held at once, where they are large.
    """
    at_once = _AT_ONCE if at_most is None else min(at_most, _AT_ONCE)
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(keys), at_once):
            yield from pool.map(objects.get, keys[start : start + at_once])


def prefixes(start: datetime, end: datetime) -> Sequence[str]:
    """Return prefixes of minute names that together cover [start, end): hours for short windows, days for long ones.

    >>> prefixes(datetime(2026, 3, 4, 22, 59, tzinfo=UTC), datetime(2026, 3, 5, 0, 0, tzinfo=UTC))
    ['2026-03-04T22', '2026-03-04T23']
    >>> prefixes(datetime(2026, 3, 4, 22, 59, tzinfo=UTC), datetime(2026, 3, 5, 22, 59, tzinfo=UTC))
    ['2026-03-04', '2026-03-05']
    """
    if end <= start:
        return []
    by_hour = end - start <= _BY_HOUR_UP_TO
    length, step = (13, timedelta(hours=1)) if by_hour else (10, timedelta(days=1))
    instant = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    instant = instant if by_hour else instant.replace(hour=0)
    found = []
    while instant < end:
        found.append(minute_of(instant)[:length])
        instant += step
    return found
