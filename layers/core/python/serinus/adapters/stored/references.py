"""What each model version was validated on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from serinus.adapters.stored.profile_documents import profile_document, profile_of
from serinus.domain.profile import Profile
from serinus.domain.quality import ScoreTable
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.storage import Objects

_SIDES = ("negatives", "positives")


class StoredReferences:
    """`References` over objects: models/<endpoint>/<content digest>/reference.json, and importance.json beside it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self, endpoint: str, content_digest: str) -> Profile | None:
        """Return the reference profile, or `None` where the version was never validated."""
        stored = self._stored(endpoint, content_digest)
        return None if stored is None else profile_of(stored)

    def held_out(self, endpoint: str, content_digest: str) -> ScoreTable | None:
        """Return the held-out rows by score and label, or `None` where none were kept."""
        stored = self._stored(endpoint, content_digest)
        if stored is None or "held_out" not in stored:
            return None  # of another task than binary, or validated before labels were kept
        negatives, positives = (np.array(stored["held_out"][side], dtype=np.int64) for side in _SIDES)
        return ScoreTable(profile_of(stored).layout.score.edges, negatives, positives)

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

    def _stored(self, endpoint: str, content_digest: str) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = json.loads(self._objects.get(_key(endpoint, content_digest)))
        except ObjectNotFound:
            return None
        return stored


def _key(endpoint: str, content_digest: str) -> str:
    return f"models/{endpoint}/{content_digest}/reference.json"


def _importance_key(endpoint: str, content_digest: str) -> str:
    return f"models/{endpoint}/{content_digest}/importance.json"
