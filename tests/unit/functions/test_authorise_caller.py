"""The authoriser: from API Gateway's event to its yes or no."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from serinus import settings, wiring
from serinus.adapters.memory.calls import MemoryCalls
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.stored.tokens import StoredTokens
from serinus.domain.policy import EndpointName
from serinus.domain.token import Bearer, Token
from serinus.errors import RequestRefused
from serinus.use_cases.authorise_caller import Authorising

EVENTS = Path(__file__).parents[3] / "events" / "authorise_caller"
HANDLER = "functions.authorise_caller.handler"
LET_IN = {"right_token", "named_version"}
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
BEARER = Bearer("0123456789ab", "5" * 64)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The function; `fraud` has a token that opens it, and one that was revoked."""
    tokens = StoredTokens(MemoryDocuments())
    token = Token(EndpointName("fraud"), BEARER.id, "ci", BEARER.digest, "5555", NOW, NOW + timedelta(days=1))
    tokens.change("fraud", lambda _: [token, replace(token, id="00000000dead", revoked_at=NOW)])
    for name, value in settings.as_environment(settings.AuthoriseCallerSettings("serinus")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "authorising", lambda _told: Authorising(tokens, MemoryCalls(), lambda: NOW))
    sys.modules.pop(HANDLER, None)
    yield importlib.import_module(HANDLER)
    sys.modules.pop(HANDLER, None)


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_sample_event_is_answered(function: ModuleType, name: str) -> None:
    """Yes with the token's id and name for the log, or no with nothing at all."""
    answer = function.handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
    if name in LET_IN:
        assert answer == {"isAuthorized": True, "context": {"token": BEARER.id, "name": "ci"}}
    else:
        assert answer == {"isAuthorized": False}


def test_the_path_a_caller_writes_does_not_choose_the_endpoint(function: ModuleType) -> None:
    """The route does, which API Gateway matched: another endpoint's token opens nothing by its path."""
    event = json.loads((EVENTS / "right_token.json").read_text())
    event["routeKey"] = "ANY /models/churn/{proxy+}"
    assert function.handler(event, None) == {"isAuthorized": False}


@pytest.mark.parametrize("route", ["$default", "ANY /v2", "GET /models", "ANY /v2/models/{model}", None])
def test_an_event_of_another_kind_is_refused_without_its_content(function: ModuleType, route: str | None) -> None:
    """A message ends up in a log, and an event may hold a secret."""
    event = json.loads((EVENTS / "right_token.json").read_text())
    event["routeKey"] = route
    with pytest.raises(RequestRefused) as caught:
        function.handler(event, None)
    assert "routeKey" in str(caught.value)
    assert BEARER.secret not in str(caught.value)
    assert caught.value.__cause__ is None
