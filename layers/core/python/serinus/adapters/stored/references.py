"""What each model version was validated on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from serinus.adapters.stored.stored_as import LAYOUT
from serinus.domain.profile import Layout, Profile
from serinus.domain.quality import ScoreTable
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports import Objects

_SIDES = ("negatives", "positives")


class StoredReferences:
    """`References` over objects: models/<endpoint>/<content digest>/reference.json."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self, endpoint: str, content_digest: str) -> Profile | None:
        """Return the reference profile, or `None` where the version was never validated."""
        stored = self._stored(endpoint, content_digest)
        return None if stored is None else Profile(_layout(stored), np.array(stored["counts"], dtype=np.int64))

    def held_out(self, endpoint: str, content_digest: str) -> ScoreTable | None:
        """Return the held-out rows by score and label, or `None` where none were kept."""
        stored = self._stored(endpoint, content_digest)
        if stored is None or "held_out" not in stored:
            return None  # of another task than binary, or validated before labels were kept
        negatives, positives = (np.array(stored["held_out"][side], dtype=np.int64) for side in _SIDES)
        return ScoreTable(_layout(stored).score.edges, negatives, positives)

    def put(self, endpoint: str, content_digest: str, profile: Profile, held_out: ScoreTable | None) -> None:
        """Store both in one object."""
        stored: dict[str, object] = {
            "layout": LAYOUT.dump_python(profile.layout, mode="json"),
            "counts": profile.counts.tolist(),
        }
        if held_out is not None:
            sides = (held_out.negatives.tolist(), held_out.positives.tolist())
            stored["held_out"] = dict(zip(_SIDES, sides, strict=True))
        self._objects.put(_key(endpoint, content_digest), json.dumps(stored, separators=(",", ":")).encode())

    def _stored(self, endpoint: str, content_digest: str) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = json.loads(self._objects.get(_key(endpoint, content_digest)))
        except ObjectNotFound:
            return None
        return stored


def _layout(stored: Mapping[str, Any]) -> Layout:
    return LAYOUT.validate_json(json.dumps(stored["layout"]))


def _key(endpoint: str, content_digest: str) -> str:
    return f"models/{endpoint}/{content_digest}/reference.json"
