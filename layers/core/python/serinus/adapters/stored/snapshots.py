"""Immutable datasets."""

from __future__ import annotations

from serinus.adapters.stored.stored_as import SNAPSHOT
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.files import Tables
from serinus.use_cases.ports.storage import Objects


class StoredSnapshots:
    """`Snapshots` over objects: snapshots/<endpoint>/<digest>/{train.parquet,holdout.parquet,manifest.json}."""

    def __init__(self, objects: Objects, tables: Tables) -> None:
        self._objects = objects
        self._tables = tables

    def put(self, snapshot: Snapshot, train: Table, holdout: Table) -> None:
        """Store the tables and then the manifest, so that a manifest always has its tables.

        A snapshot that is there already stays as it was taken first.
        """
        folder = _folder(snapshot.endpoint, snapshot.digest)
        try:
            self._objects.size(f"{folder}manifest.json")
        except ObjectNotFound:
            self._objects.put(f"{folder}train.parquet", self._tables.write(train))
            self._objects.put(f"{folder}holdout.parquet", self._tables.write(holdout))
            self._objects.put(f"{folder}manifest.json", SNAPSHOT.dump_json(snapshot))

    def get(self, endpoint: str, digest: str) -> tuple[Snapshot, Table, Table]:
        """Return a snapshot with its train and held-out tables.

        Raises:
            ObjectNotFound: there is none of that digest.
        """
        folder = _folder(endpoint, digest)
        snapshot = SNAPSHOT.validate_json(self._objects.get(f"{folder}manifest.json"))
        return snapshot, self._table(f"{folder}train.parquet"), self._table(f"{folder}holdout.parquet")

    def files(self, endpoint: str, digest: str) -> tuple[Snapshot, bytes, bytes]:
        """Return a snapshot with its train and held-out tables as the Parquet files that they are.

        Raises:
            ObjectNotFound: there is none of that digest.
        """
        folder = _folder(endpoint, digest)
        snapshot = SNAPSHOT.validate_json(self._objects.get(f"{folder}manifest.json"))
        train, holdout = (self._objects.get(f"{folder}{name}.parquet") for name in ("train", "holdout"))
        return snapshot, train, holdout

    def _table(self, key: str) -> Table:
        return self._tables.read(key, self._objects.get(key))


def _folder(endpoint: str, digest: str) -> str:
    return f"snapshots/{endpoint}/{digest}/"
