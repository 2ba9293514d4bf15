"""What was counted of live traffic, over objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from serinus.adapters.stored.part_files import decoded, decoded_day, decoded_hour, encoded
from serinus.adapters.stored.part_folding import PartFolding
from serinus.adapters.stored.part_keys import (
    DAYS,
    HOURS,
    MINUTES,
    PartKey,
    folder,
    is_whole,
    key_of,
    latest,
    period_of,
    touching,
)
from serinus.domain.profile import ProfilePart
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.storage import Objects
from serinus.use_cases.ports.watching import Folded

_LOOKS = 8
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Window:
    endpoint: str
    release: int
    start: datetime
    end: datetime
    singly: bool


class StoredProfileParts:
    """`ProfileParts` over objects, whose keys `part_keys` lays out.

    Counts move from minutes to hours to days, and a coarser file is there before a finer one goes. So a reader lists
    the fine ones first, and meets every count: where it was, or where it has gone. One that it meets in a minute and
    in an hour is known by its request; an hour's sum in its day's file is used only as long as it is the sum of the
    hour's last generation and no minute has come late. Where a file that was listed has gone, the reader looks again.
    """

    def __init__(self, objects: Objects, *, at_once: int = 16) -> None:
        """Take the objects, and how many of them may be fetched at once."""
        self._objects = objects
        self._at_once = at_once

    def put(self, endpoint: str, release: int, minute: str, part: ProfilePart) -> None:
        """Store a part under a key derived from what it counts; the same part gives the same bytes."""
        self._objects.put(key_of(endpoint, MINUTES, minute, release, part.key), encoded(part))

    def read(
        self, endpoint: str, release: int, start: datetime, end: datetime, *, singly: bool = False
    ) -> Iterable[ProfilePart]:
        """Return every part of the minutes that touch [start, end).

        An hour in the midst of it comes as its sum, if folded, unless its requests are wanted singly.

        Raises:
            ObjectNotFound: files went away again and again while they were read.
        """
        if end <= start:
            return []
        window = _Window(endpoint, release, start, end, singly)
        for _ in range(_LOOKS - 1):
            try:
                return list(self._look(window))
            except ObjectNotFound:
                continue  # folded in the meantime
        return list(self._look(window))

    def fold(self, endpoint: str, before: datetime) -> Folded:
        """Fold minutes that ended before an instant into hours, and hours into days."""
        folding = PartFolding(self._objects, endpoint, at_once=self._at_once)
        hours = folding.fold_hours(before)
        days = {key.period[:10] for key in hours} | {period_of(DAYS, before), period_of(DAYS, before - timedelta(1))}
        return Folded(len(hours), folding.fold_days(sorted(days)))

    def _look(self, window: _Window) -> Iterator[ProfilePart]:
        minutes, hours, days = (self._list(window, level) for level in (MINUTES, HOURS, DAYS))
        late = {key.hour for key in minutes}
        last = latest(hours)
        summable = {
            key.period: key.generation
            for key in last.values()
            if not window.singly and key.period not in late and is_whole(key.period, window.start, window.end)
        }
        of_days = [key for key in latest(days).values() if any(hour.startswith(key.period) for hour in summable)]
        known: set[str] = set()
        for body in self._fetched(of_days):
            for hour, folded in decoded_day(body).items():
                if summable.get(hour) == folded.generation:
                    known.add(hour)
                    yield from folded.parts
        for body in self._fetched([key for key in last.values() if key.period not in known]):
            yield from decoded_hour(body)
        yield from map(decoded, self._fetched(minutes))

    def _list(self, window: _Window, level: str) -> Sequence[PartKey]:
        """Return the window's files of one level, of this release."""
        within = folder(window.endpoint, level)
        with ThreadPoolExecutor(self._at_once) as pool:
            listed = pool.map(
                lambda prefix: self._objects.list(within + prefix), touching(level, window.start, window.end)
            )
            keys = [PartKey.parsed(key) for found in listed for key in found]
        first, last = period_of(level, window.start), period_of(level, window.end - _MICROSECOND)
        return [key for key in keys if key.release == window.release and first <= key.period <= last]

    def _fetched(self, keys: Sequence[PartKey]) -> Sequence[bytes]:
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(self._objects.get, [key.key for key in keys]))
