"""The functions that make, rotate and revoke tokens: from a person's wish to the answer."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from serinus import settings, wiring
from serinus.domain.token import parse_bearer
from tests.unit.use_cases.test_tokens import World

EVENTS = Path(__file__).parents[3] / "events"
Function = Callable[[dict[str, object], object], dict[str, Any]]
_DEEDS = ("make_token", "rotate_token", "revoke_token")


@pytest.fixture
def world() -> World:
    """Endpoints by token; `fraud` counts its callers' calls and has a token `ci`."""
    world = World(counted=("fraud",))
    world.make()
    return world


@pytest.fixture
def functions(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Function]]:
    """The functions by their folders."""
    told = settings.as_environment(settings.MakeTokenSettings("serinus", "ledger", "a1"))
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "keeping", lambda _told: world.keeping)
    modules = [f"functions.{deed}.handler" for deed in _DEEDS]
    for module in modules:
        sys.modules.pop(module, None)
    yield {deed: importlib.import_module(module).handler for deed, module in zip(_DEEDS, modules, strict=True)}
    for module in modules:
        sys.modules.pop(module, None)


def _sample(deed: str, name: str) -> dict[str, object]:
    event: dict[str, object] = json.loads((EVENTS / deed / f"{name}.json").read_text())
    return event


@pytest.mark.parametrize(
    ("deed", "name"), [(deed, path.stem) for deed in _DEEDS for path in sorted((EVENTS / deed).glob("*.json"))]
)
def test_every_sample_event_is_answered(functions: dict[str, Function], world: World, deed: str, name: str) -> None:
    """In JSON, and on record under the name of who asked."""
    event = _sample(deed, name)
    answer = functions[deed](event, None)
    assert json.loads(json.dumps(answer)) == answer
    assert world.entries()[-1].actor == event["requested_by"]
    if deed == "revoke_token":
        assert [token["state"] for token in answer["revoked"]] == ["revoked"]
    else:
        bearer = parse_bearer(f"Bearer {answer['secret']}")
        assert bearer is not None
        assert world.opens(bearer)
        assert answer["calls_per_minute"] == event.get("calls_per_minute")


@pytest.mark.parametrize(
    "change",
    [
        {"requested_by": ""},
        {"expires_days": 0},
        {"expires_days": 100_000},
        {"calls_per_minute": 0},
        {"calls_per_minute": True},
        {"name": ""},
        {"secret": "mine"},
    ],
)
def test_a_wish_that_makes_no_sense_makes_nothing(
    functions: dict[str, Function], world: World, change: dict[str, object]
) -> None:
    """The command line checks too, but anybody may invoke a function."""
    with pytest.raises(ValidationError):
        functions["make_token"](_sample("make_token", "bounded") | change, None)
    assert len(world.entries()) == 1
