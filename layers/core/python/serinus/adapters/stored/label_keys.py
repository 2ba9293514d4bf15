"""Where labels lie: files as they came, what a day's were folded into, and the names of those that were."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

KINDS = (".csv", ".jsonl", ".parquet")
_DAY = re.compile(r"label-days/[^/]+/(\d{4}-\d\d-\d\d)/(\d{6,})\.parquet")
_OWN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DayKey:
    """The key of a day's file, taken apart: label-days/<endpoint>/<day>/<generation>.parquet."""

    key: str
    day: str
    generation: int


def files_folder(endpoint: str) -> str:
    """Return the prefix of an endpoint's label files."""
    return f"labels/{endpoint}/"


def days_folder(endpoint: str) -> str:
    """Return the prefix of what its label files were folded into."""
    return f"label-days/{endpoint}/"


def day_key(endpoint: str, day: str, generation: int) -> DayKey:
    """Return the key of a generation of a day's file.

    >>> day_key("fraud", "2026-03-04", 2).key
    'label-days/fraud/2026-03-04/000002.parquet'
    """
    return DayKey(f"{days_folder(endpoint)}{day}/{generation:06d}.parquet", day, generation)


def day_keys(keys: Iterable[str]) -> Sequence[DayKey]:
    """Take apart the keys of days' files, and leave out what else lies there: consoles make folders, people notes.

    >>> day_keys(["label-days/fraud/2026-03-04/", "label-days/fraud/2026-03-04/000012.parquet"])
    [DayKey(key='label-days/fraud/2026-03-04/000012.parquet', day='2026-03-04', generation=12)]
    """
    found = ((key, _DAY.fullmatch(key)) for key in keys)
    return [DayKey(key, told[1], int(told[2])) for key, told in found if told]


def known_key(endpoint: str, key: str) -> str:
    """Return the key that says of a label file that a day's file holds it.

    >>> known_key("fraud", "labels/fraud/5e0f.csv")
    'label-names/fraud/5e0f.csv'
    """
    return f"label-names/{endpoint}/{PurePosixPath(key).name}"


def is_named_by_content(endpoint: str, key: str) -> bool:
    """Whether a label file was recorded by Serinus, which names it by what it holds; nobody replaces such a file.

    >>> is_named_by_content("fraud", f"labels/fraud/{'5e' * 32}.csv")
    True
    >>> is_named_by_content("fraud", "labels/fraud/may.csv")
    False
    """
    name = PurePosixPath(key.removeprefix(files_folder(endpoint)))
    return len(name.parts) == 1 and name.suffix in KINDS and _OWN.fullmatch(name.stem) is not None


def kind_of(name: str) -> str:
    """Return what a file's name ends in."""
    return PurePosixPath(name).suffix.lower()


def day_of(instant: datetime) -> str:
    """Name the day of an instant; names sort as time does."""
    return f"{instant.astimezone(UTC):%Y-%m-%d}"


def latest(keys: Iterable[DayKey]) -> Sequence[DayKey]:
    """Return the last generation of each day, in order of days."""
    last = {key.day: key for key in sorted(keys, key=lambda key: key.generation)}
    return [last[day] for day in sorted(last)]
