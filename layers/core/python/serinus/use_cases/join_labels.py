"""Join predictions with the labels that came for them."""

from __future__ import annotations

import numpy as np

from serinus.domain.table import Table

LABEL = "_label"  # the target's column in a snapshot; no feature begins with an underscore


def joined(records: Table, labels: Table) -> Table:
    """Return the records that have a label, with the column `_label`.

    The join is on the row's own id, where the policy names a column for it and the row and a label file have it;
    else on the request's id and the row's number. Without any, only `_at` and `_label` are there, empty.

    Args:
        records: as `ports.Records` reads them.
        labels: as `ports.Labels` reads them.
    """
    if not records.rows or not labels.rows:
        return Table({"_at": np.array([]), "_label": np.array([])})
    by_row: dict[tuple[str, int], float] = {}
    by_row_id: dict[str, float] = {}
    for identity, row, label in zip(
        labels.columns["id"], labels.columns["row"], labels.columns["label"], strict=True
    ):
        if row != row:
            by_row_id[str(identity)] = float(label)
        else:
            by_row[str(identity), int(row)] = float(label)
    own = records.columns.get("_row_id", np.full(records.rows, None, dtype=object))
    found = [
        by_row_id.get(str(row_id), by_row.get((str(identity), int(row)), np.nan))
        if row_id is not None
        else by_row.get((str(identity), int(row)), np.nan)
        for identity, row, row_id in zip(records.columns["_id"], records.columns["_row"], own, strict=True)
    ]
    known = np.array(found, dtype=np.float64)
    kept = np.flatnonzero(~np.isnan(known))
    return Table(dict(records.take(kept).columns) | {"_label": known[kept]})


def features_of(labelled: Table) -> Table:
    """Return the logged features and the label, without our own columns."""
    features = {name: column for name, column in labelled.columns.items() if not name.startswith("_")}
    return Table(features | {LABEL: labelled.columns["_label"]})
