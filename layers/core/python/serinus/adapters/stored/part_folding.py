"""Folds minutes into hours and hours into days, safe to die at any write and to run twice at once.

A generation is created, never replaced: of two folders at work on the same one, one fails and leaves off. What has
been folded is removed only when the generation that holds it is seen to be the last. A folder that slept through
others' generations may create one anew that was superseded and removed; it then sees that its own is not the last,
and removes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from serinus.adapters.stored.part_files import (
    FoldedHour,
    decoded,
    decoded_day,
    decoded_hour,
    encoded_day,
    encoded_hour,
    sum_of_hour,
)
from serinus.adapters.stored.part_keys import DAYS, HOURS, MINUTES, PartKey, begin_of, folder, key_of, latest
from serinus.domain.profile import ProfilePart
from serinus.errors import AlreadyExists, ObjectNotFound
from serinus.use_cases.ports.storage import Objects

_MINUTE = timedelta(minutes=1)


class PartFolding:
    """Folding of one endpoint's parts."""

    def __init__(self, objects: Objects, endpoint: str, *, at_once: int) -> None:
        self._objects = objects
        self._at_once = at_once
        self._endpoint = endpoint

    def fold_hours(self, before: datetime) -> Sequence[PartKey]:
        """Fold every minute that ended before an instant; return what was written, a file an hour and release."""
        closed: dict[tuple[str, int], list[PartKey]] = defaultdict(list)
        for key in self._listed(MINUTES):
            if begin_of(key.period) + _MINUTE <= before:
                closed[key.hour, key.release].append(key)
        written = []
        for (hour, release), minutes in sorted(closed.items()):
            try:
                written += self._fold_hour(hour, release, minutes)
            except (AlreadyExists, ObjectNotFound):
                continue  # somebody else is at it
        return written

    def fold_days(self, days: Iterable[str]) -> int:
        """Sum up the hours of these days where they are not yet; return how many files were written."""
        written = 0
        for day in days:
            hours: dict[int, dict[str, PartKey]] = defaultdict(dict)
            for (hour, release), key in latest(self._listed(HOURS, day)).items():
                hours[release][hour] = key
            for release, last in sorted(hours.items()):
                try:
                    written += self._fold_day(day, release, last)
                except (AlreadyExists, ObjectNotFound):
                    continue  # somebody else is at it
        return written

    def _fold_hour(self, hour: str, release: int, minutes: Sequence[PartKey]) -> list[PartKey]:
        """Write the hour's next generation, unless the last holds every request already; remove what it holds."""
        generations = self._listed(HOURS, f"{hour}/{release}/")
        last = max(generations, key=lambda key: key.generation, default=None)
        held = decoded_hour(self._objects.get(last.key)) if last else ()
        with ThreadPoolExecutor(self._at_once) as pool:
            late = list(map(decoded, pool.map(self._objects.get, [key.key for key in minutes])))
        if last and _requests(late) <= _requests(held):
            self._remove(minutes)
            return []
        body = encoded_hour([*held, *late])
        return self._replace(HOURS, hour, release, last, body, [*minutes, *generations])

    def _fold_day(self, day: str, release: int, last: Mapping[str, PartKey]) -> int:
        generations = self._listed(DAYS, f"{day}/{release}/")
        before = max(generations, key=lambda key: key.generation, default=None)
        known = decoded_day(self._objects.get(before.key)) if before else {}
        if {hour: key.generation for hour, key in last.items()} == {
            hour: folded.generation for hour, folded in known.items()
        }:
            return 0
        hours = {hour: self._summed(key, known.get(hour)) for hour, key in last.items()}
        return len(self._replace(DAYS, day, release, before, encoded_day(hours), generations))

    def _summed(self, key: PartKey, known: FoldedHour | None) -> FoldedHour:
        if known is not None and known.generation == key.generation:
            return known
        parts = decoded_hour(self._objects.get(key.key))
        return FoldedHour(key.generation, sum_of_hour(key.period, begin_of(key.period), parts))

    def _replace(
        self, level: str, period: str, release: int, last: PartKey | None, body: bytes, held: Sequence[PartKey]
    ) -> list[PartKey]:
        """Create the next generation; remove what it holds once it is seen to be the last."""
        number = last.generation + 1 if last else 1
        created = PartKey.parsed(key_of(self._endpoint, level, period, release, number))
        self._objects.create(created.key, body)
        found = self._listed(level, f"{period}/{release}/")
        if max(key.generation for key in found) == number:
            self._remove(held)
        return [created]

    def _listed(self, level: str, prefix: str = "") -> Sequence[PartKey]:
        return [PartKey.parsed(key) for key in self._objects.list(folder(self._endpoint, level) + prefix)]

    def _remove(self, keys: Sequence[PartKey]) -> None:
        for key in keys:
            self._objects.delete(key.key)


def _requests(parts: Iterable[ProfilePart]) -> set[tuple[str, str]]:
    return {(part.layout_digest, counts.request) for part in parts for counts in part.requests}
