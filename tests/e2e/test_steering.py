"""A person steers rollouts, each deed delivered twice, under the name that the gateway verified."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.error import HTTPError

import boto3
import pytest
from botocore.credentials import Credentials
from typer.testing import CliRunner

from serinus import wiring
from serinus.adapters.aws.control_api import ControlApiClient
from serinus.adapters.aws.signed_calls import SignedCalls
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.domain.ledger import Action
from serinus.domain.rollout import Outcome, Rollout, Split
from serinus.domain.verdict import Verdict
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import Callers, a_holdout, an_estimator

pytestmark = pytest.mark.e2e

_ENDPOINT = "steered"
_PATIENCE_SECONDS = 90.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class Anna:
    """A user with a key of her own, at the command line."""

    arn: str
    client: wiring.Client

    def serinus(self, *args: str) -> Any:  # noqa: ANN401 - JSON
        """Run a command twice, as it would be delivered twice; return what the first one printed."""
        printed = [CliRunner().invoke(app, [*args, "--json"], obj=self.client) for _ in range(2)]
        assert [result.exit_code for result in printed] == [0, 0], [result.output for result in printed]
        return json.loads(printed[0].stdout)


@pytest.fixture
def anna(client: wiring.Client) -> Anna:
    """Make such a user."""
    users = boto3.client("iam")
    arn = users.create_user(UserName="anna")["User"]["Arn"]
    key = users.create_access_key(UserName="anna")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    control = ControlApiClient(SignedCalls(client.resources.api_url, credentials=credentials))
    return Anna(arn, replace(client, control=control))


def eventually(look: Callable[[], Found | None]) -> Found:
    """Return what is found, once something is."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing was found in {_PATIENCE_SECONDS:g} seconds"
        time.sleep(0.2)


@contextmanager
def traffic(client: wiring.Client) -> Iterator[Callers]:
    """Have callers ask for as long as the block lasts."""
    callers, done = Callers(client, _ENDPOINT), threading.Event()
    with ThreadPoolExecutor(1) as background:
        asking = background.submit(callers.ask_until, done, seconds=240)
        try:
            yield callers
        finally:
            done.set()
        asking.result()


def at_step(client: wiring.Client, step: int) -> Rollout:
    """Wait until the rollout under way has come to a step."""

    def look() -> Rollout | None:
        active = client.rollouts.active(_ENDPOINT)
        return active if active is not None and active.step == step else None

    return eventually(look)


def test_a_person_steers_rollouts(client: wiring.Client, anna: Anna) -> None:
    """Pause holds a step over several looks, resume lets it go on, abort is at once, promote takes one tick."""
    first = push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    assert first.stage is Stage.PROMOTED, first.reason
    stable = client.describing.traffic.current(_ENDPOINT).stable

    with traffic(client) as callers:
        push(_ENDPOINT, an_estimator(regularisation=0.01), a_holdout(), target="target", client=client, wait=False)
        rollout = at_step(client, 0)
        _hold(client, anna, rollout)
        _go_on(client, anna, rollout, stable)
        _abort(client, anna, rollout, stable)
        promoted = _promote(client, anna, stable)
        assert callers.statuses.count(200) == len(callers.statuses)

    anna.serinus("rollout", "promote", _ENDPOINT, "--rollout", promoted.id, "--reason", "late")
    returned = CliRunner().invoke(app, ["rollback", _ENDPOINT, "--reason", "a test", "--json"], obj=anna.client)
    assert json.loads(returned.stdout)["live"] == [
        {"side": "stable", "release": stable, "version": 1, "percent": 100}
    ]
    _recorded(client, anna, rollout, promoted)


def _hold(client: wiring.Client, anna: Anna, rollout: Rollout) -> None:
    """Pause it, and see its evidence say `advance` while it stays where it is."""
    paused = anna.serinus("rollout", "pause", _ENDPOINT, "--reason", "a look at refunds")["rollout"]
    assert (paused["id"], paused["step"]) == (rollout.id, 0)

    def held() -> int:
        looks = client.rollouts.decisions(_ENDPOINT, rollout.id)
        return sum(f"paused by {anna.arn}: a look at refunds" in look.reason for look in looks)

    try:
        eventually(lambda: held() >= 3)
    except AssertionError as late:
        looks = client.rollouts.decisions(_ENDPOINT, rollout.id)
        raise AssertionError("\n".join(f"{look.at} {look.verdict} {look.reason}" for look in looks[-12:])) from late
    assert client.describing.traffic.current(_ENDPOINT) == rollout.split
    described = anna.client.control.get("endpoints", _ENDPOINT, "rollouts", "active")
    assert (described["rollout"]["paused"], described["rollout"]["candidate_percent"]) == (True, 20)


def _go_on(client: wiring.Client, anna: Anna, rollout: Rollout, stable: int) -> None:
    """Resume it, and hold it at its next step."""
    anna.serinus("rollout", "resume", _ENDPOINT)
    following = at_step(client, 1)
    anna.serinus("rollout", "pause", _ENDPOINT, "--reason", "enough for now")
    assert following.id == rollout.id
    assert client.describing.traffic.current(_ENDPOINT) == Split(stable, following.candidate, 50)


def _abort(client: wiring.Client, anna: Anna, rollout: Rollout, stable: int) -> None:
    """Traffic is on stable when the command has returned."""
    answer = anna.serinus("rollout", "abort", _ENDPOINT, "--rollout", rollout.id, "--reason", "complaints")
    assert client.describing.traffic.current(_ENDPOINT) == Split(stable)
    assert (answer["status"], answer["stable"]) == ("rolled_back", stable)
    ended = client.rollouts.get(_ENDPOINT, rollout.id)
    assert (ended.outcome, ended.reason) == (Outcome.ROLLED_BACK, "aborted: complaints")
    assert client.rollouts.active(_ENDPOINT) is None


def _promote(client: wiring.Client, anna: Anna, stable: int) -> Rollout:
    """Roll the same version out again; the first look after the wish moves all traffic."""
    requested = anna.serinus("rollout", "start", _ENDPOINT, "2", "--reason", "it was the data")
    rollout = at_step(client, 0)
    assert (rollout.id, rollout.stable) == (requested["rollout"], stable)
    path = ("rollout", "promote", _ENDPOINT, "--rollout", rollout.id)
    wished = anna.serinus(*path, "--reason", "the season begins")["rollout"]["steering"]["at"]

    def ended() -> Rollout | None:
        found = client.rollouts.get(_ENDPOINT, rollout.id)
        return found if found.outcome else None

    promoted = eventually(ended)
    assert promoted.outcome is Outcome.PROMOTED
    assert promoted.reason.startswith(f"unproven: promoted by {anna.arn}: the season begins")
    assert promoted.candidate is not None
    assert client.describing.traffic.current(_ENDPOINT) == Split(promoted.candidate)
    looks = client.rollouts.decisions(_ENDPOINT, rollout.id)
    heeding = [look.verdict for look in looks if anna.arn in look.reason]
    assert heeding == [Verdict.ADVANCE]
    before = [look for look in looks if anna.arn not in look.reason and look.at.isoformat() > wished]
    assert len(before) <= 1  # one look may have been under way
    return promoted


def _recorded(client: wiring.Client, anna: Anna, aborted: Rollout, promoted: Rollout) -> None:
    """Each deed is in the ledger once, under her name; what ticks did is under theirs."""
    entries = client.ledger.entries(_ENDPOINT)
    deeds = [entry for entry in entries if entry.actor == anna.arn]
    assert [(entry.action, entry.details.get("rollout")) for entry in deeds] == [
        (Action.ROLLOUT_PAUSED, aborted.id),
        (Action.ROLLOUT_RESUMED, aborted.id),
        (Action.ROLLOUT_PAUSED, aborted.id),
        (Action.TRAFFIC_SHIFTED, None),
        (Action.ROLLOUT_ENDED, aborted.id),
        (Action.ROLLOUT_REQUESTED, None),
        (Action.PROMOTION_REQUESTED, promoted.id),
        (Action.TRAFFIC_SHIFTED, None),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "rollouts"),
        ("GET", "rollouts/active"),
        ("POST", "rollouts"),
        ("POST", "rollouts/active/pause"),
        ("POST", "rollouts/active/abort"),
        ("POST", "rollback"),
    ],
)
def test_nobody_is_let_in_unsigned(client: wiring.Client, method: str, path: str) -> None:
    """Whoever shows no signature, or a wrong one, is turned away before a function is asked."""
    url = f"{client.resources.api_url}/endpoints/canary/{path}"
    entries = len(client.ledger.entries("canary"))
    for headers in ({}, {"authorization": "Bearer 1234"}):
        request = urllib.request.Request(url, b"{}" if method == "POST" else None, headers, method=method)  # noqa: S310 - the local cloud's
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)  # noqa: S310 - as above
        with refused.value as answer:
            assert (answer.code, json.loads(answer.read())) == (403, {"message": "Forbidden"})
    wrong = SignedCalls(client.resources.api_url, credentials=Credentials("000000000000", "guessed"))
    assert wrong.send(method, f"/endpoints/canary/{path}", b"{}")[0] == 403
    wrong.close()
    assert len(client.ledger.entries("canary")) == entries
