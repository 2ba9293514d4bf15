"""How parts of profiles are written: gzipped JSON columns. The same counts give the same bytes."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from serinus.domain.profile import ProfilePart, RequestCounts, sparse_sum, united

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class FoldedHour:
    """The sums of one hour, and of which generation of its file they are."""

    generation: int
    parts: tuple[ProfilePart, ...]


def encoded(part: ProfilePart) -> bytes:
    """Return a part as a file."""
    return _zipped(_columns(part))


def decoded(body: bytes) -> ProfilePart:
    """Return the part that `encoded` wrote."""
    return _part(json.loads(gzip.decompress(body)))


def encoded_hour(parts: Iterable[ProfilePart]) -> bytes:
    """Return what several parts count, each request once, as the file of their hour; one part a layout is left."""
    return _zipped([_columns(part) for part in merged(parts)])


def decoded_hour(body: bytes) -> tuple[ProfilePart, ...]:
    """Return the parts that `encoded_hour` wrote."""
    return tuple(_part(columns) for columns in json.loads(gzip.decompress(body)))


def encoded_day(hours: Mapping[str, FoldedHour]) -> bytes:
    """Return the sums of a day's hours, by name, as the file of the day."""
    return _zipped(
        {
            hour: {"generation": folded.generation, "parts": [_columns(part) for part in folded.parts]}
            for hour, folded in sorted(hours.items())
        }
    )


def decoded_day(body: bytes) -> dict[str, FoldedHour]:
    """Return the sums that `encoded_day` wrote."""
    said = json.loads(gzip.decompress(body))
    return {
        hour: FoldedHour(folded["generation"], tuple(map(_part, folded["parts"]))) for hour, folded in said.items()
    }


def merged(parts: Iterable[ProfilePart]) -> tuple[ProfilePart, ...]:
    """Unite parts of the same layout by request id."""
    seen: dict[str, dict[str, RequestCounts]] = defaultdict(dict)
    for part in parts:
        seen[part.layout_digest].update((counts.request, counts) for counts in part.requests)
    return tuple(ProfilePart(digest, "", tuple(requests.values())) for digest, requests in sorted(seen.items()))


def sum_of_hour(hour: str, begun: datetime, parts: Sequence[ProfilePart]) -> tuple[ProfilePart, ...]:
    """Return plain sums: one contribution for each layout, under the hour's own name instead of a request's."""
    sums = []
    for part in parts:
        slots, times = sparse_sum(united(part.requests))
        sums.append(ProfilePart(part.layout_digest, "", (RequestCounts(f"hour {hour}", begun, slots, times),)))
    return tuple(sums)


def _zipped(said: object) -> bytes:
    return gzip.compress(json.dumps(said, separators=(",", ":")).encode(), compresslevel=6, mtime=0)


def _columns(part: ProfilePart) -> dict[str, Any]:
    """Return ids, instants to the millisecond, slots and how often they count, and where each request's end."""
    requests = [counts.compact() for counts in sorted(part.requests, key=lambda counts: counts.request)]
    columns: dict[str, Any] = {
        "layout": part.layout_digest,
        "stream": part.stream,
        "ids": [counts.request for counts in requests],
        "at": [(counts.at - _EPOCH) // _MILLISECOND for counts in requests],
        "offsets": list(accumulate((len(counts.slots) for counts in requests), initial=0)),
        "slots": [slot for counts in requests for slot in counts.slots.tolist()],
    }
    if any(counts.times is not None for counts in requests):
        columns["times"] = [
            times
            for counts in requests
            for times in ([1] * len(counts.slots) if counts.times is None else counts.times.tolist())
        ]
    return columns


def _part(columns: Mapping[str, Any]) -> ProfilePart:
    slots = np.array(columns["slots"], dtype=np.int64)
    times = np.array(columns["times"], dtype=np.int64) if "times" in columns else None
    spans = pairwise(columns["offsets"])
    return ProfilePart(
        layout_digest=columns["layout"],
        stream=columns["stream"],
        requests=tuple(
            RequestCounts(
                request,
                _EPOCH + at * _MILLISECOND,
                slots[start:stop],
                None if times is None else times[start:stop],
            )
            for request, at, (start, stop) in zip(columns["ids"], columns["at"], spans, strict=True)
        ),
    )
