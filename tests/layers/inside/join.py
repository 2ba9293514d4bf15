"""Runs inside: joins predictions with labels of every kind of file, of which one is folded first."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

import numpy as np

from serinus.domain.table import Table

if __name__ == "__main__":
    from serinus.adapters.memory.objects import MemoryObjects
    from serinus.adapters.stored.labels import StoredLabels
    from serinus.adapters.stored.records import StoredRecords
    from serinus.adapters.tables.arrow import ArrowTables

    noon, objects = datetime(2026, 3, 4, 12, tzinfo=UTC), MemoryObjects()
    ids = np.array(["a", "b", "c", "d"], dtype=object)
    own = {"_request": ids, "_id": ids, "_row_id": np.full(4, None, dtype=object)}
    numbers = {name: np.zeros(4) for name in ("_row", "_inputs", "_score", "_latency_ms")}
    rows = Table({**own, **numbers, "_at": noon.timestamp() + np.arange(4.0), "amount": np.arange(4.0)})
    StoredRecords(objects).put("fraud", 2, "2026-03-04T12:00", "part", rows)
    labels = Table({"id": np.array(["a"], dtype=object), "label": np.ones(1)})
    objects.put("labels/fraud/1.parquet", ArrowTables().write(labels))
    objects.put("labels/fraud/2.csv", b"id,label,time\nb,0,2026-03-04T12:00:00+01:00\n")
    objects.put("labels/fraud/3.jsonl", b'{"id": "c", "label": true}\n')
    StoredLabels(objects).record("fraud", "sent.csv", b"id,label\nd,0\n")
    StoredLabels(objects).fold("fraud", datetime.now(UTC) + timedelta(days=1))
    joined = StoredLabels(objects).join("fraud", [2], noon, noon + timedelta(minutes=1))
    truth = joined.by_release[2].columns["_label"].tolist()
    said = {
        "labels": [None if label != label else label for label in truth],
        "findings": list(joined.read.findings),
    }
    sys.stdout.write(json.dumps(said))
