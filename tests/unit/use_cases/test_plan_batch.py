"""Planning a batch: what is live scores what is there, and nothing out of reach."""

from __future__ import annotations

import pytest

from serinus.domain.rollout import Split
from serinus.errors import DataRefused, EndpointNotFound, ObjectNotFound
from serinus.use_cases.plan_batch import plan_batch
from tests.builders import FRAUD
from tests.unit.use_cases.batches import BatchWorld


def test_a_batch_is_planned_of_what_is_there_for_what_is_live() -> None:
    """And stored, so that parts can be asked for by their numbers."""
    place = BatchWorld()
    for name in ("b", "a"):
        place.put(name, 10)
    batch = place.planned()
    assert [(part.number, part.key) for part in batch.parts] == [
        (0, "batch/march/a.parquet"),
        (1, "batch/march/b.parquet"),
    ]
    assert (batch.model_version, batch.endpoint) == (1, FRAUD)
    assert batch.folder == f"predictions/fraud/{batch.id}/"
    assert place.batches.get(batch.folder) == batch
    assert place.planned() == batch


def test_the_next_model_makes_another_batch() -> None:
    """Scores of two models are not mixed."""
    place = BatchWorld()
    place.put("a", 10)
    first = place.planned()
    place.world.later(600)
    place.world.published("2")
    assert place.planned() == first
    place.world.traffic.shift(FRAUD, Split(3))
    assert place.planned().model_version == 2
    assert place.planned().id != first.id


def test_results_go_where_they_are_wanted() -> None:
    """With or without the slash."""
    place = BatchWorld()
    place.put("a", 10)
    batch = plan_batch(FRAUD, "batch/march/", "predictions/own", planning=place.planning)
    assert batch.folder == f"predictions/own/{batch.id}/"


@pytest.mark.parametrize(
    ("source", "output", "says"),
    [
        ("labels/fraud/", None, "'labels/fraud/' is out of reach"),
        ("batch/april/", None, "no objects to score"),
        ("batch/march/", "batch/results/", "results go under predictions/"),
        ("batch/march/", "predictions/" + "x" * 80, "too long"),
    ],
)
def test_what_is_out_of_reach_is_refused(source: str, output: str | None, says: str) -> None:
    """And nothing is planned."""
    place = BatchWorld()
    place.put("a", 10)
    with pytest.raises(DataRefused, match=says):
        plan_batch(FRAUD, source, output, planning=place.planning)
    assert place.world.data.list("predictions/") == []


def test_without_a_release_there_is_nothing_to_score_by() -> None:
    """The endpoint answers 503 then."""
    place = BatchWorld()
    place.put("a", 10)
    place.world.traffic.shift(FRAUD, Split(1))
    with pytest.raises(DataRefused, match="nothing is released"):
        place.planned()


def test_an_unknown_endpoint_is_told() -> None:
    """As everywhere."""
    with pytest.raises(EndpointNotFound):
        plan_batch("nobody", "batch/march/", None, planning=BatchWorld().planning)


def test_a_folder_without_a_plan_is_told() -> None:
    """Parts of it cannot be asked for."""
    with pytest.raises(ObjectNotFound):
        BatchWorld().batches.get("predictions/fraud/nothing/")
