"""`Snapshots`: immutable datasets, over objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from serinus.adapters.stored.snapshots import StoredSnapshots
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table
from serinus.errors import ObjectNotFound
from serinus.use_cases.ports.watching import Snapshots
from tests.contract.builders import FRAUD, after
from tests.contract.clouds import Cloud


@pytest.fixture
def snapshots(cloud: Cloud) -> Snapshots:
    """The snapshots."""
    return StoredSnapshots(cloud.objects, ArrowTables())


def a_snapshot() -> tuple[Snapshot, Table, Table]:
    """Return a snapshot of three rows."""
    train = Table({"amount": np.array([1.0, np.nan]), "country": np.array(["ch", None], dtype=object)})
    holdout = Table({"amount": np.array([3.0]), "country": np.array(["at"], dtype=object)})
    snapshot = Snapshot(FRAUD, "d" * 64, "label", 2, 1, after(0), after(60), after(120), "drift")
    return snapshot, train, holdout


def test_a_snapshot_is_read_back(snapshots: Snapshots) -> None:
    """With both its tables, types and missing values as they were."""
    snapshot, *tables = a_snapshot()
    snapshots.put(snapshot, *tables)
    found, *read = snapshots.get("fraud", "d" * 64)
    assert found == snapshot
    assert snapshots.files("fraud", "d" * 64) == (snapshot, *(ArrowTables().write(table) for table in tables))
    for table, stored in zip(tables, read, strict=True):
        for name, column in table.columns.items():
            np.testing.assert_array_equal(stored.columns[name], column)


def test_a_snapshot_is_immutable(snapshots: Snapshots) -> None:
    """The same rows taken again are the same snapshot, as it was taken first."""
    snapshot, train, holdout = a_snapshot()
    snapshots.put(snapshot, train, holdout)
    snapshots.put(replace(snapshot, taken_at=after(600), reason="again"), train, holdout)
    assert snapshots.get("fraud", "d" * 64)[0] == snapshot


def test_an_unknown_snapshot_is_not_found(snapshots: Snapshots) -> None:
    """Nor is one of another endpoint."""
    snapshots.put(*a_snapshot())
    with pytest.raises(ObjectNotFound):
        snapshots.get("churn", "d" * 64)


def test_tables_without_a_manifest_are_no_snapshot(snapshots: Snapshots, cloud: Cloud) -> None:
    """A writer that died before the manifest is made good by the next."""
    cloud.objects.put(f"snapshots/fraud/{'d' * 64}/train.parquet", b"cut off")
    with pytest.raises(ObjectNotFound):
        snapshots.get("fraud", "d" * 64)
    snapshots.put(*a_snapshot())
    assert snapshots.get("fraud", "d" * 64)[1].rows == 2
