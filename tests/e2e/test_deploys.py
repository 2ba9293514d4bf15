"""A deploy that changes what serves goes the way that models go; the ledger tells what the alias did meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from serinus import settings, wiring
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.domain.ledger import Action, what_was_live
from serinus.domain.rollout import Outcome, Split
from serinus.domain.serving import Serving
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import Callers, a_holdout, an_estimator

pytestmark = pytest.mark.e2e

_ENDPOINT = "deployed"
_RECORDING = timedelta(seconds=2)  # how long after a move its record may be written, on a busy machine


@dataclass(frozen=True)
class Sample:
    """What the alias said, at some instant from `since` until `until`."""

    since: datetime
    until: datetime
    split: Split


def _sampled(client: wiring.Client, done: threading.Event) -> list[Sample]:
    """Look at the alias again and again until told to stop."""
    samples = []
    while not done.is_set():
        since = datetime.now(UTC)
        split = client.describing.traffic.current(_ENDPOINT)
        samples.append(Sample(since, datetime.now(UTC), split))
        time.sleep(0.05)
    return samples


def _rolled_out(client: wiring.Client, count: int) -> Outcome:
    """Wait until so many rollouts have ended; return how the last did."""
    deadline = time.monotonic() + 360
    while True:
        ended = [rollout for rollout in client.rollouts.list(_ENDPOINT) if rollout.outcome]
        if len(ended) >= count:
            return ended[-1].outcome or Outcome.FAILED
        assert time.monotonic() < deadline, f"{len(ended)} rollouts ended"
        time.sleep(0.5)


def test_more_memory_is_rolled_out_by_canary_and_the_ledger_tells_what_the_alias_did(
    client: wiring.Client, redeploy: Callable[[str, Serving], None]
) -> None:
    """The same model with twice the memory gets half the traffic, then all of it; rolled back, one update undoes it.

    At every instant that the alias was looked at, the ledger names the split it had, but for the moment it takes to
    record a move.
    """
    first = push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1.5)
    assert first.stage is Stage.PROMOTED, first.reason
    stable = client.describing.traffic.current(_ENDPOINT).stable
    callers, done = Callers(client, _ENDPOINT), threading.Event()
    with ThreadPoolExecutor(2) as background:
        watching = background.submit(_sampled, client, done)
        asking = background.submit(callers.ask_until, done, seconds=400)
        try:
            redeploy(_ENDPOINT, Serving(memory_mb=2048))
            assert _rolled_out(client, 2) is Outcome.PROMOTED
            candidate = client.describing.traffic.current(_ENDPOINT).stable
            answer = CliRunner().invoke(app, ["rollback", _ENDPOINT, "--reason", "a test", "--json"])
            assert json.loads(answer.stdout)["status"] == "rolled_back", answer.stderr
        finally:
            done.set()
        asking.result()
        samples = watching.result()
    assert set(callers.statuses) == {200}
    assert candidate > stable
    assert client.describing.traffic.current(_ENDPOINT) == Split(stable)
    _check_release(client, stable, candidate)
    _check_samples(client, samples, {Split(stable), Split(stable, candidate, 50), Split(candidate)})


def _check_release(client: wiring.Client, stable: int, candidate: int) -> None:
    """The two differ in memory, on Lambda and in the record, and the ledger says so in words."""
    numbers = (stable, candidate)
    releases = [client.rollouts.release(_ENDPOINT, number) for number in numbers]
    assert [release.model_version for release in releases if release] == [1, 1]
    found = [
        client.functions.get_function_configuration(
            FunctionName=settings.inference_function_name(_ENDPOINT), Qualifier=str(number)
        )["MemorySize"]
        for number in numbers
    ]
    assert found == [1024, 2048]
    started = [e for e in client.ledger.entries(_ENDPOINT) if e.action is Action.ROLLOUT_STARTED]
    assert [entry.details["changes"] for entry in started] == ["", "memory 1024 → 2048 MB"]


def _check_samples(client: wiring.Client, samples: list[Sample], splits: set[Split]) -> None:
    lived = what_was_live(client.ledger.entries(_ENDPOINT))
    known = [(span.start, Split(span.stable, span.candidate, span.candidate_percent)) for span in lived]
    assert splits <= {sample.split for sample in samples}
    for sample in samples:
        recorded = max(index for index, (start, _) in enumerate(known) if start <= sample.until)
        possible = [known[recorded][1]]
        if known[recorded][0] >= sample.since and recorded:
            possible.append(known[recorded - 1][1])
        if recorded + 1 < len(known) and known[recorded + 1][0] <= sample.until + _RECORDING:
            possible.append(known[recorded + 1][1])  # it had moved, and its record was still to be written
        assert sample.split in possible, (sample, known)
