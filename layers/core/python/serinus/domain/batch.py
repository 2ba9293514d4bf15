"""A batch: many rows in objects, scored in parts that can each be done again, or not at all, without a difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from serinus.domain.model_version import digest_of
from serinus.domain.policy import EndpointName
from serinus.errors import DataRefused

MAXIMUM_PARTS = 2_000  # their names are one payload of a state machine, which holds 256 KiB
MAXIMUM_OBJECT_BYTES = 200_000_000  # a part reads its object whole

# Of an object, to a part: a minute's work or so, whatever is in the object.
_PART_BYTES = {".csv": 16_000_000, ".jsonl": 32_000_000, ".parquet": 4_000_000}
_LEFT_OUT = ("_", ".")  # as other tools name what is no data: _SUCCESS, .crc


@dataclass(frozen=True)
class SourceObject:
    """An object of the input as it was found."""

    key: str
    size: int
    modified_at: datetime


@dataclass(frozen=True)
class BatchPart:
    """A share of an object's rows: the one at `share` of `shares` equal ones, counted from 0.

    How many rows there are is known only to who reads the object, so planning need not.
    """

    number: int
    key: str
    size: int
    share: int
    shares: int

    def rows(self, total: int) -> tuple[int, int]:
        """Return [start, stop) of the object's rows; shares cover all rows, each once.

        >>> [BatchPart(0, "rows.csv", 9, share, 3).rows(10) for share in range(3)]
        [(0, 3), (3, 6), (6, 10)]
        """
        return total * self.share // self.shares, total * (self.share + 1) // self.shares


@dataclass(frozen=True)
class Batch:
    """What is scored, by which model, in which parts.

    Attributes:
        id: follows from all the rest, so that the same batch asked for again is the same batch.
        folder: where its results go, ending with a slash.
    """

    id: str
    folder: str
    endpoint: EndpointName
    model_version: int
    content_digest: str
    parts: tuple[BatchPart, ...]


@dataclass(frozen=True)
class PartSummary:
    """What became of a part.

    Attributes:
        first_row: of its object, counted from 0.
        layout_digest: of the profile that the counts belong to.
        slots: of the profile, those that count anything.
        counts: how much each of them counts.
    """

    number: int
    key: str
    first_row: int
    rows: int
    layout_digest: str
    slots: tuple[int, ...]
    counts: tuple[int, ...]


def kind_of(key: str) -> str | None:
    """Return the suffix that says how an object is read; `None` where Serinus reads no such object.

    >>> kind_of("batch/fraud/2026-03.CSV"), kind_of("batch/fraud/notes.txt")
    ('.csv', None)
    """
    suffix = "." + key.rpartition("/")[2].rpartition(".")[2].lower()
    return suffix if suffix in _PART_BYTES else None


def is_data(key: str) -> bool:
    """Whether an object is meant to hold rows: folders and what tools leave beside them are not."""
    name = key.rpartition("/")[2]
    return bool(name) and not name.startswith(_LEFT_OUT)


def parts_of(objects: Iterable[SourceObject]) -> tuple[BatchPart, ...]:
    """Divide objects into parts of about the same work.

    Raises:
        DataRefused: there are no objects or too many, or one is of no kind that can be read, or too large.
    """
    found = sorted((each for each in objects if is_data(each.key)), key=lambda each: each.key)
    parts: list[BatchPart] = []
    for each in found:
        shares = _shares(each)
        parts += [BatchPart(len(parts) + share, each.key, each.size, share, shares) for share in range(shares)]
    if not parts:
        raise DataRefused("there are no objects to score: put .csv, .jsonl or .parquet files there")
    if len(parts) > MAXIMUM_PARTS:
        raise DataRefused(
            f"the {len(found)} objects make {len(parts)} parts, and a batch has at most {MAXIMUM_PARTS}: join small "
            "objects, or score one folder after the other"
        )
    return tuple(parts)


def a_batch(
    endpoint: EndpointName, *, model_version: int, content_digest: str, output: str, objects: Sequence[SourceObject]
) -> Batch:
    """Return the batch of these objects, scored by this model version.

    Raises:
        DataRefused: the objects cannot be scored.
    """
    parts = parts_of(objects)
    said = {
        "endpoint": endpoint,
        "content": content_digest,
        "objects": [(each.key, each.size, each.modified_at.isoformat()) for each in objects],
        "parts": [asdict(part) for part in parts],
    }
    name = digest_of(said)[:16]
    return Batch(name, f"{output}{name}/", endpoint, model_version, content_digest, parts)


def _shares(source: SourceObject) -> int:
    kind = kind_of(source.key)
    if kind is None:
        raise DataRefused(f"{source.key} is of no kind that Serinus reads: name it .csv, .jsonl or .parquet")
    if source.size > MAXIMUM_OBJECT_BYTES:
        raise DataRefused(
            f"{source.key} has {source.size:,} bytes, and an object of a batch at most {MAXIMUM_OBJECT_BYTES:,}: "
            "write it as several"
        )
    return -(-source.size // _PART_BYTES[kind]) or 1
