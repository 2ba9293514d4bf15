"""Batches over objects: `<folder>plan.json`, `parts/<number>.{json,parquet}`, `profile.json`, `manifest.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import TypeAdapter

from serinus.adapters.stored.profile_documents import profile_document
from serinus.domain.batch import Batch, PartSummary
from serinus.domain.profile import Profile
from serinus.domain.table import Table
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.files import Tables
from serinus.use_cases.ports.storage import Objects

_BATCH = TypeAdapter(Batch)
_SUMMARY = TypeAdapter(PartSummary)
_AT_ONCE = 16
_ROWS = ".parquet"


class StoredBatches:
    """`Batches` over objects. A part's rows are written last, so that they stand for all of it."""

    def __init__(self, objects: Objects, tables: Tables) -> None:
        self._objects = objects
        self._tables = tables

    def put(self, batch: Batch) -> None:
        """Store the plan; storing the same again is harmless."""
        self._objects.put(f"{batch.folder}plan.json", _BATCH.dump_json(batch))

    def get(self, folder: str) -> Batch:
        """Return the plan.

        Raises:
            ObjectNotFound: no batch was planned there.
        """
        return _BATCH.validate_json(self._objects.get(f"{folder}plan.json"))

    def is_done(self, folder: str, number: int) -> bool:
        """Whether a part's result is there whole."""
        try:
            self._objects.size(_part(folder, number) + _ROWS)
        except ObjectNotFound:
            return False
        return True

    def done(self, folder: str) -> Sequence[int]:
        """Return the numbers of the parts that are done, sorted."""
        keys = self._objects.list(f"{folder}parts/")
        return sorted(int(key.rpartition("/")[2].removesuffix(_ROWS)) for key in keys if key.endswith(_ROWS))

    def put_part(self, folder: str, summary: PartSummary, rows: Table) -> None:
        """Store a part's result: the summary, then the rows; it is done when the rows are there."""
        name = _part(folder, summary.number)
        self._objects.put(f"{name}.json", _SUMMARY.dump_json(summary))
        self._objects.put(name + _ROWS, self._tables.write(rows))

    def summaries(self, folder: str, numbers: Sequence[int]) -> Sequence[PartSummary]:
        """Return the summaries of parts that are done, in that order."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(self._objects.get, [f"{_part(folder, number)}.json" for number in numbers])
            return [_SUMMARY.validate_json(body) for body in found]

    def conclude(self, batch: Batch, summaries: Sequence[PartSummary], profile: Profile) -> str:
        """Store the profile of all rows, then the manifest; return the manifest's key."""
        counted = json.dumps(profile_document(profile), separators=(",", ":")).encode()
        self._objects.put(f"{batch.folder}profile.json", counted)
        said = {
            "format": 1,
            "batch": batch.id,
            "endpoint": batch.endpoint,
            "model_version": batch.model_version,
            "content_digest": batch.content_digest,
            "rows": sum(summary.rows for summary in summaries),
            "profile": f"{batch.folder}profile.json",
            "parts": [
                {
                    "key": _part(batch.folder, summary.number) + _ROWS,
                    "source": summary.key,
                    "first_row": summary.first_row,
                    "rows": summary.rows,
                }
                for summary in summaries
            ],
        }
        key = f"{batch.folder}manifest.json"
        self._objects.put(key, json.dumps(said, indent=1).encode())
        return key


def _part(folder: str, number: int) -> str:
    return f"{folder}parts/{number:05}"
