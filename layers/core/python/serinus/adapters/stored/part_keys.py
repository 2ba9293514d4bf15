"""Where parts of profiles lie: by minute as they come, folded by hour, and folded by day.

Folded files are numbered generations of which only the last counts; each holds all that the one before held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from serinus.adapters.stored.minutes import prefixes

_HOUR = timedelta(hours=1)
_NARROW = timedelta(hours=6)
MINUTES, HOURS, DAYS = "minutes", "hours", "days"
_NAME_LENGTHS = {MINUTES: 16, HOURS: 13, DAYS: 10}
_MONTH_LENGTH = 7


@dataclass(frozen=True)
class PartKey:
    """A key, taken apart: profiles/<endpoint>/<level>/<period>/<release>/<name>.json.gz."""

    key: str
    period: str
    release: int
    name: str

    @classmethod
    def parsed(cls, key: str) -> PartKey:
        """Take a key apart."""
        *_, period, release, file = key.split("/")
        return cls(key, period, int(release), file.removesuffix(".json.gz"))

    @property
    def hour(self) -> str:
        """The hour that the period lies in."""
        return self.period[: _NAME_LENGTHS[HOURS]]

    @property
    def generation(self) -> int:
        """The number of a folded file."""
        return int(self.name)


def folder(endpoint: str, level: str) -> str:
    """Return the prefix of everything of one level.

    >>> folder("fraud", HOURS)
    'profiles/fraud/hours/'
    """
    return f"profiles/{endpoint}/{level}/"


def key_of(endpoint: str, level: str, period: str, release: int, name: str | int) -> str:
    """Return the key of a file; a number is that of a generation.

    >>> key_of("fraud", DAYS, "2026-03-04", 7, 2)
    'profiles/fraud/days/2026-03-04/7/000002.json.gz'
    """
    told = f"{name:06d}" if isinstance(name, int) else name
    return f"{folder(endpoint, level)}{period}/{release}/{told}.json.gz"


def period_of(level: str, instant: datetime) -> str:
    """Name the minute, hour or day of an instant; names sort as time does.

    >>> period_of(HOURS, datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    '2026-03-04T05'
    """
    return instant.astimezone(UTC).isoformat()[: _NAME_LENGTHS[level]]


def begin_of(period: str) -> datetime:
    """Return when a minute, an hour or a day begins.

    >>> begin_of("2026-03-04T05")
    datetime.datetime(2026, 3, 4, 5, 0, tzinfo=datetime.timezone.utc)
    """
    told = f"{period}:00" if len(period) == _NAME_LENGTHS[HOURS] else period
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


def is_whole(hour: str, start: datetime, end: datetime) -> bool:
    """Whether an hour lies inside of [start, end) with all its minutes."""
    return start <= begin_of(hour) and begin_of(hour) + _HOUR <= end


def touching(level: str, start: datetime, end: datetime) -> Sequence[str]:
    """Return prefixes of periods that together cover [start, end): few for long windows, narrow for short ones.

    >>> touching(MINUTES, datetime(2026, 3, 31, 22, tzinfo=UTC), datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
    ['2026-03-31T22', '2026-03-31T23']
    >>> touching(HOURS, datetime(2026, 3, 31, 22, tzinfo=UTC), datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
    ['2026-03-31']
    >>> touching(MINUTES, datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))
    ['2026-03', '2026-04']
    """
    narrow = prefixes(start, end)
    if end - start <= _NARROW and level == MINUTES:
        return narrow
    length = _NAME_LENGTHS[DAYS] if end - start <= _NARROW else _MONTH_LENGTH
    return list(dict.fromkeys(name[:length] for name in narrow))


def latest(keys: Iterable[PartKey]) -> dict[tuple[str, int], PartKey]:
    """Return the last generation of each period and release."""
    return {(key.period, key.release): key for key in sorted(keys, key=lambda key: key.generation)}
