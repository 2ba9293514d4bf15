"""A model's way from upload to traffic and back, on the wiring that production uses."""

from __future__ import annotations

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serinus import settings, wiring
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.domain.ledger import Action
from serinus.domain.rollout import Split
from serinus.use_cases.push_model import PushProgress, Stage
from serinus.use_cases.recount_history import recount_history
from tests.e2e.callers import Callers, a_holdout, an_estimator, counted_since
from tests.models import failing_model

pytestmark = pytest.mark.e2e

_ENDPOINT = "canary"


def _pushed_under_traffic(
    client: wiring.Client, callers: Callers, model: object, *, within: float = math.inf
) -> PushProgress:
    """Push while callers ask, and return how it ended."""
    done = threading.Event()
    with ThreadPoolExecutor(1) as background:
        asking = background.submit(callers.ask_until, done, seconds=100)
        try:
            holdout = a_holdout(within=within)
            progress = push(_ENDPOINT, model, holdout, target="target", client=client, timeout_minutes=1.5)
        finally:
            done.set()
        asking.result()
    return progress


def test_a_model_goes_round_the_loop(client: wiring.Client, tmp_path: Path) -> None:
    """The first goes live after its smoke test, a second by canary, a third is rolled back, the second by hand.

    Every request is counted once, and the ledger tells what the alias did.
    """
    began = datetime.now(UTC)

    first = push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    assert first.stage is Stage.PROMOTED, first.reason
    stable = client.describing.traffic.current(_ENDPOINT)
    assert stable.candidate is None

    callers = Callers(client, _ENDPOINT)
    second = _pushed_under_traffic(client, callers, an_estimator(regularisation=0.01))
    assert second.stage is Stage.PROMOTED, second.reason
    promoted = client.describing.traffic.current(_ENDPOINT)
    assert promoted.stable > stable.stable
    assert set(callers.statuses) == {200}

    bad = tmp_path / "bad.onnx"
    bad.write_bytes(failing_model(("a", "b"), bound=0)[0])
    third = _pushed_under_traffic(client, callers, bad, within=0.9)
    assert third.stage is Stage.ROLLED_BACK, third.reason
    assert client.describing.traffic.current(_ENDPOINT) == promoted
    assert {200, 500} == set(callers.statuses)

    leaving = ["--from", str(promoted.stable)]  # the release brought last is rolled back already
    answer = CliRunner().invoke(app, ["rollback", _ENDPOINT, "--reason", "a test", *leaving, "--json"])
    assert json.loads(answer.stdout)["status"] == "rolled_back", answer.stderr
    assert client.describing.traffic.current(_ENDPOINT) == Split(stable.stable)

    asked, failed = len(callers.statuses), callers.statuses.count(500)
    assert counted_since(began, client, _ENDPOINT, at_least=asked) == (asked, failed)
    history = recount_history(_ENDPOINT, policies=client.policies, ledger=client.ledger)
    assert history.broken_at is None
    assert [span.stable for span in history.live if span.candidate is None] == [
        stable.stable,
        promoted.stable,
        promoted.stable,
        stable.stable,
    ]
    assert history.live[-1].end is None
    alarms = wiring._clients().cloudwatch.describe_alarms(AlarmNamePrefix=settings.ALARM_PREFIX)
    assert not [alarm for alarm in alarms["MetricAlarms"] if f"/{_ENDPOINT}/" in alarm["AlarmName"]]


def test_the_same_upload_event_five_times_makes_one_version(client: wiring.Client) -> None:
    """Five notifications of one manifest start five executions; one of them registers, four find it taken."""
    pushed = push("refusals", an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    assert pushed.version is not None
    numbers = [version.number for version in client.versions.list("refusals")]
    key = f"incoming/refusals/{pushed.upload}/manifest.json"
    manifest = client.artifacts.get(key)
    with ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda _: client.artifacts.put(key, manifest), range(4)))
    time.sleep(6)
    assert [version.number for version in client.versions.list("refusals")] == numbers
    registered = [
        entry
        for entry in client.ledger.entries("refusals")
        if entry.action is Action.MODEL_REGISTERED and entry.details["upload"] == pushed.upload
    ]
    assert len(registered) == 1
