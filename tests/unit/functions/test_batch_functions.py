"""The functions of a batch: from the state machine's payload to what it reads of the answer."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from serinus import settings, wiring
from serinus.errors import DataRefused
from tests.unit.use_cases.batches import BatchWorld

EVENTS = Path(__file__).parents[3] / "events"
WIRED: dict[str, tuple[str, tuple[str, ...]]] = {
    "plan_batch": ("planning", settings.PlanBatchSettings("table", "data")),
    "predict_batch": ("predicting", settings.PredictBatchSettings("table", "artifacts", "data")),
    "conclude_batch": ("concluding", settings.ConcludeBatchSettings("artifacts", "data")),
}


@pytest.fixture
def place() -> BatchWorld:
    """A live model, and two objects of rows under the prefix that the sample events name."""
    place = BatchWorld()
    for name in ("a", "b"):
        table = place.put(name, 10)
        place.world.data.put(f"batch/fraud/2026-03/{name}.parquet", place.world.tables.write(table))
    return place


def function(name: str, place: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a handler's module, wired to that world."""
    wiring_function, told = WIRED[name]
    for variable, value in settings.as_environment(told).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(wiring, wiring_function, lambda _told: getattr(place, wiring_function))
    sys.modules.pop(f"functions.{name}.handler", None)
    return importlib.import_module(f"functions.{name}.handler")


def event(name: str, case: str) -> dict[str, Any]:
    """Return a sample event."""
    said: dict[str, Any] = json.loads((EVENTS / name / f"{case}.json").read_text())
    return said


@pytest.mark.parametrize(
    ("case", "begins"), [("default_output", "predictions/fraud/"), ("own_output", "predictions/march/")]
)
def test_a_plan_is_the_items_of_the_map(
    place: BatchWorld, monkeypatch: pytest.MonkeyPatch, case: str, begins: str
) -> None:
    """Each item says all that a part needs."""
    plan = function("plan_batch", place, monkeypatch).handler(event("plan_batch", case), None)
    assert plan["folder"] == f"{begins}{plan['batch']}/"
    assert plan["items"] == [{"folder": plan["folder"], "part": number} for number in range(2)]


def test_what_is_out_of_reach_is_no_plan(place: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The execution fails with the sentence."""
    with pytest.raises(DataRefused, match="put what is to be scored under batch/"):
        function("plan_batch", place, monkeypatch).handler(event("plan_batch", "out_of_reach"), None)


def test_parts_and_the_end_follow_from_the_plan(place: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Incomplete until every item was handled."""
    planned = function("plan_batch", place, monkeypatch).handler(event("plan_batch", "default_output"), None)
    predict = function("predict_batch", place, monkeypatch)
    conclude = function("conclude_batch", place, monkeypatch)
    named = event("conclude_batch", "parts_tried") | {"folder": planned["folder"]}
    first = event("predict_batch", "first_part") | {"folder": planned["folder"]}
    assert predict.handler(first, None) == {"rows": 10}
    half = conclude.handler(named, None)
    assert (half["status"], half["missing"], half["missing_parts"], half["manifest"]) == ("incomplete", 1, [1], None)
    predict.handler(planned["items"][1], None)
    whole = conclude.handler(named, None)
    assert (whole["status"], whole["rows"], whole["missing"]) == ("succeeded", 20, 0)
    assert whole["manifest"] == f"{planned['folder']}manifest.json"


@pytest.mark.parametrize("folder", ["models/fraud/", "predictions/fraud", "predictions/"])
def test_a_folder_elsewhere_is_no_batch(place: BatchWorld, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """Nothing is read there."""
    with pytest.raises(ValidationError):
        function("predict_batch", place, monkeypatch).handler({"folder": folder, "part": 0}, None)
