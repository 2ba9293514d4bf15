"""What each model version was validated on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from serinus.adapters.stored.profile_documents import profile_document, profile_of
from serinus.domain.profile import Profile
from serinus.domain.quality import ScoreTable
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.storage import Objects

_SIDES = ("negatives", "positives")


@dataclass(frozen=True)
class _Reference:
    """What one object holds; no labels of another task than binary, or where they were not kept yet."""

    profile: Profile
    held_out: ScoreTable | None


class StoredReferences:
    """`References` over objects: models/<endpoint>/<content digest>/reference.json, and importance.json beside it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self, endpoint: str, content_digest: str) -> Profile | None:
        """Return the reference profile, or `None` where the version was never validated."""
        stored = self._stored(endpoint, content_digest)
        return None if stored is None else stored.profile

    def held_out(self, endpoint: str, content_digest: str) -> ScoreTable | None:
        """Return the held-out rows by score and label, or `None` where none were kept."""
        stored = self._stored(endpoint, content_digest)
        return None if stored is None else stored.held_out

    def put(self, endpoint: str, content_digest: str, profile: Profile, held_out: ScoreTable | None) -> None:
        """Store both in one object."""
        stored = profile_document(profile)
        if held_out is not None:
            sides = (held_out.negatives.tolist(), held_out.positives.tolist())
            stored["held_out"] = dict(zip(_SIDES, sides, strict=True))
        self._objects.put(_key(endpoint, content_digest), json.dumps(stored, separators=(",", ":")).encode())

    def importance(self, endpoint: str, content_digest: str) -> Mapping[str, float]:
        """Return how much each feature matters to the model; nothing where that was not measured."""
        try:
            stored: dict[str, float] = json.loads(self._objects.get(_importance_key(endpoint, content_digest)))
        except ObjectNotFound:
            return {}
        return stored

    def put_importance(self, endpoint: str, content_digest: str, importance: Mapping[str, float]) -> None:
        """Store it in an object of its own."""
        body = json.dumps(dict(importance), separators=(",", ":")).encode()
        self._objects.put(_importance_key(endpoint, content_digest), body)

    def _stored(self, endpoint: str, content_digest: str) -> _Reference | None:
        try:
            return _decoded(self._objects.get(_key(endpoint, content_digest)))
        except ObjectNotFound:
            return None


@lru_cache(maxsize=4)
def _decoded(body: bytes) -> _Reference:
    """Read an object; a collector that stays warm is given the same few again and again, and must not change them."""
    stored = json.loads(body)
    profile, held_out = profile_of(stored), None
    profile.counts.flags.writeable = False
    if "held_out" in stored:
        negatives, positives = (np.array(stored["held_out"][side], dtype=np.int64) for side in _SIDES)
        negatives.flags.writeable = positives.flags.writeable = False
        held_out = ScoreTable(profile.layout.score.edges, negatives, positives)
    return _Reference(profile, held_out)


def _key(endpoint: str, content_digest: str) -> str:
    return f"models/{endpoint}/{content_digest}/reference.json"


def _importance_key(endpoint: str, content_digest: str) -> str:
    return f"models/{endpoint}/{content_digest}/importance.json"
