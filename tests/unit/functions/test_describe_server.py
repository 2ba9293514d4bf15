"""What the API answers for itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from functions.describe_server.handler import handler

EVENTS = Path(__file__).parents[3] / "events" / "describe_server"
EXPECTED = {"server": 200, "live": 200, "ready": 200, "openapi": 200, "another_path": 404, "wrong_method": 405}


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_sample_event_is_answered(name: str) -> None:
    """With the status it stands for, in JSON."""
    answer = handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
    assert answer["statusCode"] == EXPECTED[name]
    assert isinstance(json.loads(answer["body"]), dict)
