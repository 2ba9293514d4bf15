"""A shadow on the wiring that production uses: the log of one release is replayed to the next."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serinus import wiring
from serinus.cli.client import push
from serinus.cli.main import app
from serinus.domain.ledger import Action
from serinus.domain.rollout import Rollout, Split
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import Callers, a_holdout, an_estimator, counted_since
from tests.models import failing_model

pytestmark = pytest.mark.e2e

_ENDPOINT = "shadowed"


def _at_first_step(client: wiring.Client) -> Rollout:
    """Wait until the rollout under way has come to its first step."""
    deadline = time.monotonic() + 60
    while True:
        rollout = client.rollouts.active(_ENDPOINT)
        if rollout is not None and rollout.step >= 0:
            return rollout
        assert time.monotonic() < deadline, f"no first step, but {rollout}"
        time.sleep(0.2)


def test_live_requests_are_replayed_before_any_caller_meets_the_candidate(
    client: wiring.Client, tmp_path: Path
) -> None:
    """One that fails on them, and on no held-out row, never gets traffic; one that answers them goes on to its steps.

    Of what the shadows asked nothing is counted as traffic.
    """
    began = datetime.now(UTC)
    first = push(_ENDPOINT, an_estimator(), a_holdout(), target="target", client=client, timeout_minutes=1)
    assert first.stage is Stage.PROMOTED, first.reason
    stable = client.describing.traffic.current(_ENDPOINT)
    callers = Callers(client, _ENDPOINT)
    callers.ask(80)

    bad = tmp_path / "bad.onnx"
    bad.write_bytes(failing_model(("a", "b"), bound=0)[0])
    holdout = a_holdout(within=0.9)
    failed = push(_ENDPOINT, bad, holdout, target="target", client=client, timeout_minutes=1)
    assert failed.stage is Stage.ROLLED_BACK, failed.reason
    assert "live requests replayed to the candidate failed, 0 of" in failed.reason
    assert client.describing.traffic.current(_ENDPOINT) == stable
    callers.ask(20)

    better = an_estimator(regularisation=0.5)
    push(_ENDPOINT, better, a_holdout(), target="target", client=client, timeout_minutes=0)
    good = _at_first_step(client)
    assert client.describing.traffic.current(_ENDPOINT) == Split(stable.stable, good.candidate, 50)
    assert good.shadow is not None
    assert (good.shadow.replayed, good.shadow.failed, good.shadow.refused, good.shadow.timed) == (60, 0, 0, 60)
    assert good.shadow.agreement > 0.95
    assert CliRunner().invoke(app, ["rollback", _ENDPOINT, "--reason", "seen enough", "--json"]).exit_code == 0

    shifts = [entry for entry in client.ledger.entries(_ENDPOINT) if entry.action is Action.TRAFFIC_SHIFTED]
    assert [(entry.details["stable"], entry.details["candidate"]) for entry in shifts] == [
        (stable.stable, None),
        (stable.stable, good.candidate),
        (stable.stable, None),
    ]
    assert str(shifts[1].details["reason"]).startswith("shadow: 60 live requests were replayed, 0 failed")
    assert set(callers.statuses) == {200}
    assert counted_since(began, client, _ENDPOINT, at_least=100) == (100, 0)
