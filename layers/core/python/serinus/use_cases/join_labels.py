"""Join predictions with the labels that came for them."""

from __future__ import annotations

import numpy as np

from serinus.domain.table import Table

LABEL = "_label"  # the target's column in a snapshot; no feature begins with an underscore


def joined(records: Table, labels: Table) -> Table:
    """Return the records that have a label, with the column `_label`.

    The join is on id and row. Without any, only `_at` and `_label` are there, empty.

    Args:
        records: as `ports.Records` reads them.
        labels: as `ports.Labels` reads them.
    """
    if not records.rows or not labels.rows:
        return Table({"_at": np.array([]), "_label": np.array([])})
    truth = {
        (str(identity), int(row)): float(label)
        for identity, row, label in zip(
            labels.columns["id"], labels.columns["row"], labels.columns["label"], strict=True
        )
    }
    found = [
        truth.get((str(identity), int(row)), np.nan)
        for identity, row in zip(records.columns["_id"], records.columns["_row"], strict=True)
    ]
    known = np.array(found, dtype=np.float64)
    kept = np.flatnonzero(~np.isnan(known))
    return Table(dict(records.take(kept).columns) | {"_label": known[kept]})


def features_of(labelled: Table) -> Table:
    """Return the logged features and the label, without our own columns."""
    features = {name: column for name, column in labelled.columns.items() if not name.startswith("_")}
    return Table(features | {LABEL: labelled.columns["_label"]})
