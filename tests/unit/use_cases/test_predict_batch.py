"""Scoring a part: rows in order, each once, by the model that was validated; and not again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from serinus.domain.table import Table
from serinus.errors import AttestationInvalid, DataRefused, ModelFailed, ObjectNotFound
from serinus.use_cases import predict_batch as module
from serinus.use_cases.predict_batch import predict_batch
from serinus.use_cases.register_model import served_model_key
from tests.builders import FRAUD, Died, scores_of
from tests.unit.use_cases.batches import BatchWorld, Outputs


def test_a_part_has_its_rows_in_order_with_what_the_model_said() -> None:
    """Columns that the model does not take come along, such as an id."""
    place = BatchWorld()
    rows = place.put("a", 30)
    ids = np.array([f"id-{row}" for row in range(30)], dtype=object)
    table = Table({"id": ids, **rows.columns})
    place.world.data.put("batch/march/a.parquet", place.world.tables.write(table))
    batch = place.planned()
    assert predict_batch(batch.folder, 0, predicting=place.predicting) == 30
    result = place.result(batch, 0)
    scores = scores_of(rows)
    assert list(result.columns)[:5] == ["row", "score", "label", "probabilities_0", "probabilities_1"]
    assert result.columns["row"].tolist() == list(range(30))
    np.testing.assert_array_equal(result.columns["score"], scores)
    np.testing.assert_array_equal(result.columns["probabilities_0"], 1 - scores)
    assert set(result.columns["label"].tolist()) <= {"yes", "no"}
    assert result.columns["id"].tolist() == ids.tolist()
    assert place.loaded == [b"model 1"]


def test_shares_of_an_object_are_scored_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In runs of a bounded number of rows."""
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    place = BatchWorld()
    rows = place.put("a", 50)
    planned = place.planned()
    shares = tuple(replace(planned.parts[0], number=share, share=share, shares=3) for share in range(3))
    batch = replace(planned, parts=shares)
    place.batches.put(batch)
    assert [predict_batch(batch.folder, number, predicting=place.predicting) for number in range(3)] == [16, 17, 17]
    assert place.asked == [7, 7, 2, 7, 7, 3, 7, 7, 3]
    results = [place.result(batch, number) for number in range(3)]
    assert np.concatenate([result.columns["row"] for result in results]).tolist() == list(range(50))
    np.testing.assert_array_equal(np.concatenate([result.columns["score"] for result in results]), scores_of(rows))
    summaries = place.batches.summaries(batch.folder, [0, 1, 2])
    assert [summary.first_row for summary in summaries] == [0, 16, 33]


def test_a_part_that_is_done_is_not_done_again() -> None:
    """The model is not even loaded."""
    place = BatchWorld()
    place.put("a", 30)
    batch = place.planned()
    assert predict_batch(batch.folder, 0, predicting=place.predicting) == 30
    assert predict_batch(batch.folder, 0, predicting=place.predicting) == 30
    assert len(place.loaded) == 1


@pytest.mark.parametrize("writes", [1, 2])
def test_a_part_that_died_is_done_again_and_is_the_same(writes: int) -> None:
    """Between its two writes, it is not done yet."""
    place = BatchWorld()
    place.put("a", 30)
    batch = place.planned()

    def die() -> None:
        raise Died

    place.world.fate.after_write(writes, die)
    with pytest.raises(Died):
        predict_batch(batch.folder, 0, predicting=place.predicting)
    assert place.batches.is_done(batch.folder, 0) == (writes == 2)
    assert predict_batch(batch.folder, 0, predicting=place.predicting) == 30
    again = BatchWorld()
    again.put("a", 30)
    other = again.planned()
    predict_batch(other.folder, 0, predicting=again.predicting)
    assert again.result(other, 0).columns["score"].tolist() == place.result(batch, 0).columns["score"].tolist()


def test_a_share_without_rows_is_done_all_the_same() -> None:
    """Where an object has fewer rows than shares, nothing is asked of the model."""
    place = BatchWorld()
    place.put("a", 1)
    planned = place.planned()
    batch = replace(planned, parts=(replace(planned.parts[0], share=0, shares=2),))
    place.batches.put(batch)
    assert predict_batch(batch.folder, 0, predicting=place.predicting) == 0
    assert place.asked == []
    assert place.batches.done(batch.folder) == [0]


def test_an_object_that_changed_is_refused() -> None:
    """Its rows would not be those that were planned."""
    place = BatchWorld()
    place.put("a", 30)
    batch = place.planned()
    place.put("a", 31)
    with pytest.raises(DataRefused, match="has changed since the batch was planned"):
        predict_batch(batch.folder, 0, predicting=place.predicting)
    place.world.data.delete("batch/march/a.parquet")
    with pytest.raises(ObjectNotFound):
        predict_batch(batch.folder, 0, predicting=place.predicting)


def test_rows_that_the_model_does_not_take_are_told_with_their_object() -> None:
    """By its whole key, and where in it."""
    place = BatchWorld()
    table = place.put("a", 5)
    place.world.data.put("batch/march/a.parquet", place.world.tables.write(table.select(["amount", "age"])))
    batch = place.planned()
    with pytest.raises(DataRefused, match=r"batch/march/a\.parquet, from row 1 on, has no column 'colour'"):
        predict_batch(batch.folder, 0, predicting=place.predicting)


def test_a_model_that_fails_leaves_the_part_undone() -> None:
    """The error is the execution's to show."""

    def fail(_: Table) -> Outputs:
        raise ModelFailed("a division by zero")

    place = BatchWorld(script=fail)
    place.put("a", 5)
    batch = place.planned()
    with pytest.raises(ModelFailed):
        predict_batch(batch.folder, 0, predicting=place.predicting)
    assert place.batches.done(batch.folder) == []


def test_a_model_that_was_changed_scores_nothing() -> None:
    """Its digest is not the one that was signed."""
    place = BatchWorld()
    place.put("a", 5)
    batch = place.planned()
    place.world.artifacts.put(served_model_key(place.world.versions.get(FRAUD, 1)), b"something else")
    with pytest.raises(AttestationInvalid):
        predict_batch(batch.folder, 0, predicting=place.predicting)
