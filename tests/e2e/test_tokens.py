"""Bearer tokens open an endpoint, on the wiring that production uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import urllib3
from typer.testing import CliRunner

from serinus import wiring
from serinus.cli.main import app
from serinus.domain.ledger import Action
from serinus.local_cloud.server import LocalCloud

pytestmark = pytest.mark.e2e

_LET_IN = {200, 503}  # a model, or the word that none is released yet
Ask = Callable[..., int]


@pytest.fixture
def ask(client: wiring.Client) -> Iterator[Ask]:
    """Asks an endpoint whether its model is ready, with a header; returns the status."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:

        def asked(secret: str | None, endpoint: str = "token", below: str = "/v2/models/{}/ready") -> int:
            headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
            url = client.resources.api_url.rstrip("/") + below.format(endpoint)
            return pool.request("GET", url, headers=headers).status

        yield asked


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return str(request.node.name)[:50]


def _serinus(*args: str) -> Any:  # noqa: ANN401 - any JSON
    result = CliRunner().invoke(app, ["token", *args, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_only_a_token_of_the_endpoint_opens_it(ask: Ask, name: str) -> None:
    """None is 401, a wrong one 403; the right one opens every path of its endpoint, and none of another's."""
    made = _serinus("make", "token", "--name", name)
    assert ask(None) == 401
    assert ask("sr_000000000000_" + "0" * 64) == 403
    assert ask(made["secret"][:-1] + "g") == 403
    assert ask(made["secret"]) in _LET_IN
    assert ask(made["secret"], below="/models/{}/v2/health/live") in _LET_IN
    assert ask(made["secret"], below="/v2/models/{}/versions/7") == 404  # its function was reached
    assert ask(made["secret"], "counted") == 403


def test_a_revoked_token_opens_nothing_at_once(client: wiring.Client, ask: Ask, name: str) -> None:
    """Although API Gateway had remembered that it may pass."""
    made = _serinus("make", "token", "--name", name)
    assert ask(made["secret"]) in _LET_IN
    assert _serinus("revoke", "token", "--name", name)["at_once"] is True
    assert ask(made["secret"]) == 403
    deeds = [entry.action for entry in client.ledger.entries("token") if entry.details.get("token") == made["id"]]
    assert deeds == [Action.TOKEN_MADE, Action.TOKEN_REVOKED]


def test_callers_can_change_over_to_a_rotated_token(ask: Ask, name: str) -> None:
    """Both open the endpoint for a while."""
    old = _serinus("make", "token", "--name", name)
    new = _serinus("rotate", "token", "--name", name)
    assert ask(old["secret"]) in _LET_IN
    assert ask(new["secret"]) in _LET_IN
    states = {token["id"]: token["state"] for token in _serinus("list", "token")["tokens"]}
    assert (states[old["id"]], states[new["id"]]) == ("active", "active")


def test_a_bounded_token_is_turned_away_when_it_is_used_up(ask: Ask, name: str) -> None:
    """Another caller of the endpoint is not."""
    bounded = _serinus("make", "counted", "--name", name, "--calls-per-minute", "2")
    free = _serinus("make", "counted", "--name", f"{name}-free")
    statuses = [ask(bounded["secret"], "counted") for _ in range(6)]
    assert set(statuses[:2]) <= _LET_IN
    assert statuses.count(403) >= 2  # where a minute ends among the six, the next one lets in two more
    assert all(ask(free["secret"], "counted") in _LET_IN for _ in range(6))


def test_no_log_holds_a_secret(cloud: LocalCloud, ask: Ask, name: str) -> None:
    """Neither the authoriser's, nor that of the function behind, which is told the token's id."""
    made = _serinus("make", "token", "--name", name)
    assert ask(made["secret"]) in _LET_IN
    logs = boto3.client("logs", endpoint_url=cloud.endpoint_url)
    for function in ("serinus-authorise-caller", "serinus-endpoint-token"):
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        assert events
        assert not [event for event in events if made["secret"][-64:] in event["message"]]
