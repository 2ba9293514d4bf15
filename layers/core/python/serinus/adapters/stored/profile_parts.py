"""What was counted of live traffic, as compact columns."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import numpy as np

from serinus.adapters.stored.minutes import bodies
from serinus.domain.profile import ProfilePart, RequestCounts
from serinus.use_cases.ports import Objects

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class StoredProfileParts:
    """`ProfileParts` over objects: profiles/<endpoint>/<release>/<minute>/<key>.json.gz.

    Instants are kept to the millisecond.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, endpoint: str, release: int, minute: str, part: ProfilePart) -> None:
        """Store a part under a key derived from what it counts; the same part gives the same bytes."""
        self._objects.put(f"{_folder(endpoint, release)}{minute}/{part.key}.json.gz", encoded(part))

    def read(self, endpoint: str, release: int, start: datetime, end: datetime) -> Iterable[ProfilePart]:
        """Return every part of the minutes that touch [start, end)."""
        for body in bodies(self._objects, _folder(endpoint, release), start, end):
            yield decoded(body)


def _folder(endpoint: str, release: int) -> str:
    return f"profiles/{endpoint}/{release}/"


def encoded(part: ProfilePart) -> bytes:
    """Return a part as gzipped JSON: columns of ids, of instants, of slots, and of where each request's slots end."""
    requests = sorted(part.requests, key=lambda counts: counts.request)
    columns = {
        "layout": part.layout_digest,
        "stream": part.stream,
        "ids": [counts.request for counts in requests],
        "at": [(counts.at - _EPOCH) // _MILLISECOND for counts in requests],
        "offsets": list(accumulate((len(counts.slots) for counts in requests), initial=0)),
        "slots": [slot for counts in requests for slot in counts.slots.tolist()],
    }
    return gzip.compress(json.dumps(columns, separators=(",", ":")).encode(), mtime=0)


def decoded(body: bytes) -> ProfilePart:
    """Return the part that `encoded` wrote."""
    columns = json.loads(gzip.decompress(body))
    slots = np.array(columns["slots"], dtype=np.int64)
    spans = pairwise(columns["offsets"])
    return ProfilePart(
        layout_digest=columns["layout"],
        stream=columns["stream"],
        requests=tuple(
            RequestCounts(request, _EPOCH + at * _MILLISECOND, slots[start:stop])
            for request, at, (start, stop) in zip(columns["ids"], columns["at"], spans, strict=True)
        ),
    )
