"""Concluding a batch: whole with a manifest and a profile of all rows, or not whole and told what is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from serinus.adapters.stored.profile_documents import profile_of
from serinus.domain.profile import of_rows
from serinus.errors import ReleaseFailed
from serinus.use_cases.conclude_batch import conclude_batch
from serinus.use_cases.predict_batch import predict_batch
from tests.builders import FRAUD, scores_of
from tests.unit.use_cases.batches import BatchWorld


def test_a_whole_batch_has_a_manifest_and_the_profile_of_its_rows() -> None:
    """The profile is that of all rows counted at once."""
    place = BatchWorld()
    tables = [place.put(name, rows, seed=rows) for name, rows in (("a", 20), ("b", 30))]
    batch = place.planned()
    for part in batch.parts:
        predict_batch(batch.folder, part.number, predicting=place.predicting)
    concluded = conclude_batch(batch.folder, concluding=place.concluding)
    assert (concluded.rows, concluded.parts, concluded.missing) == (50, 2, 0)
    assert concluded.manifest == f"{batch.folder}manifest.json"
    manifest = json.loads(place.world.data.get(concluded.manifest))
    assert [part["rows"] for part in manifest["parts"]] == [20, 30]
    assert [part["source"] for part in manifest["parts"]] == ["batch/march/a.parquet", "batch/march/b.parquet"]
    assert all(place.world.data.size(part["key"]) for part in manifest["parts"])
    reference = place.world.references.get(FRAUD, batch.content_digest)
    assert reference is not None
    expected = sum((of_rows(reference.layout, each, scores_of(each)).counts for each in tables), np.int64(0))
    counted = profile_of(json.loads(place.world.data.get(manifest["profile"])))
    assert counted.counts.tolist() == np.asarray(expected).tolist()


def test_a_batch_with_missing_parts_is_not_whole() -> None:
    """Nothing is written that could be taken for its end."""
    place = BatchWorld()
    for name in ("a", "b", "c"):
        place.put(name, 5)
    batch = place.planned()
    predict_batch(batch.folder, 1, predicting=place.predicting)
    concluded = conclude_batch(batch.folder, concluding=place.concluding)
    assert (concluded.manifest, concluded.missing, concluded.named) == (None, 2, (0, 2))
    assert [key for key in place.world.data.list(batch.folder) if "manifest" in key or "profile" in key] == []


def test_parts_counted_by_another_profile_do_not_add() -> None:
    """They are not passed over in silence."""
    place = BatchWorld()
    place.put("a", 5)
    batch = place.planned()
    predict_batch(batch.folder, 0, predicting=place.predicting)
    (summary,) = place.batches.summaries(batch.folder, [0])
    place.batches.put_part(batch.folder, replace(summary, layout_digest="0" * 64), place.result(batch, 0))
    with pytest.raises(ReleaseFailed, match="counted by another profile"):
        conclude_batch(batch.folder, concluding=place.concluding)
