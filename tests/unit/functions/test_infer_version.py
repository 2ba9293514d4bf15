"""The function that asks versions by number: from API Gateway's event to the release's own answer."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from serinus import settings, wiring
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.invocations import MemoryInvocations
from serinus.adapters.stored.rollouts import StoredRollouts
from serinus.use_cases.infer_version import Asking
from tests.contract.builders import a_release

EVENTS = Path(__file__).parents[3] / "events" / "infer_version"
HANDLER = "functions.infer_version.handler"
EXPECTED = {"infer": 200, "metadata": 200, "unknown_version": 404}


@pytest.fixture
def invocations() -> MemoryInvocations:
    """What the releases answer."""
    return MemoryInvocations()


@pytest.fixture
def function(invocations: MemoryInvocations, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The function of the endpoint `fraud`, which has released version 2 only."""
    rollouts = StoredRollouts(MemoryDocuments())
    rollouts.record_release(replace(a_release(3), model_version=2))
    told = settings.InferVersionSettings(endpoint="fraud", table_name="serinus")
    for name, value in settings.as_environment(told).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "asking", lambda _told: Asking(rollouts, invocations))
    sys.modules.pop(HANDLER, None)
    yield importlib.import_module(HANDLER)
    sys.modules.pop(HANDLER, None)


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_sample_event_is_answered(function: ModuleType, name: str) -> None:
    """With the status it stands for."""
    answer = function.handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
    assert answer["statusCode"] == EXPECTED[name]


def test_a_release_without_an_answer_is_a_bad_gateway(function: ModuleType, invocations: MemoryInvocations) -> None:
    """Its inside stays hidden."""
    invocations.failure = "Traceback"
    answer = function.handler(json.loads((EVENTS / "infer.json").read_text()), None)
    assert answer["statusCode"] == 502
    assert "Traceback" not in answer["body"]
