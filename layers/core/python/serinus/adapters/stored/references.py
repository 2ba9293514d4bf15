"""The reference profile of each model version."""

from __future__ import annotations

import json

import numpy as np

from serinus.adapters.stored.stored_as import LAYOUT
from serinus.domain.profile import Profile
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports import Objects


class StoredReferences:
    """`References` over objects: models/<endpoint>/<content digest>/reference.json."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self, endpoint: str, content_digest: str) -> Profile | None:
        """Return it, or `None` where the version was never validated."""
        try:
            stored = json.loads(self._objects.get(_key(endpoint, content_digest)))
        except ObjectNotFound:
            return None
        counts = np.array(stored["counts"], dtype=np.int64)
        return Profile(LAYOUT.validate_json(json.dumps(stored["layout"])), counts)

    def put(self, endpoint: str, content_digest: str, profile: Profile) -> None:
        """Store it."""
        stored = {"layout": LAYOUT.dump_python(profile.layout, mode="json"), "counts": profile.counts.tolist()}
        self._objects.put(_key(endpoint, content_digest), json.dumps(stored, separators=(",", ":")).encode())


def _key(endpoint: str, content_digest: str) -> str:
    return f"models/{endpoint}/{content_digest}/reference.json"
