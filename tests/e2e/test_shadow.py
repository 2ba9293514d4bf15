"""A shadow on the wiring that production uses: the log of one release is replayed to the next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from serinus import wiring
from serinus.cli.client import push
from serinus.domain.ledger import Action
from serinus.use_cases.push_model import Stage
from tests.e2e.callers import Callers, a_holdout, an_estimator, counted_since, pushed_under_traffic
from tests.models import failing_model

pytestmark = pytest.mark.e2e

_ENDPOINT = "shadowed"


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
    failed = pushed_under_traffic(client, callers, bad, within=0.9)
    assert failed.stage is Stage.ROLLED_BACK, failed.reason
    assert "live requests replayed to the candidate failed, 0 of" in failed.reason
    assert client.describing.traffic.current(_ENDPOINT) == stable
    assert client.rollouts.active(_ENDPOINT) is None

    good = pushed_under_traffic(client, callers, an_estimator(regularisation=0.5))
    assert good.stage is Stage.PROMOTED, good.reason
    assert good.rollout is not None
    tally = good.rollout.shadow
    assert tally is not None
    assert (tally.replayed, tally.failed, tally.refused, tally.timed) == (60, 0, 0, 60)
    assert tally.agreement > 0.95

    shifts = [entry for entry in client.ledger.entries(_ENDPOINT) if entry.action is Action.TRAFFIC_SHIFTED]
    candidate = good.rollout.candidate
    assert [(entry.details["stable"], entry.details["candidate"]) for entry in shifts] == [
        (stable.stable, None),
        (stable.stable, candidate),
        (candidate, None),
    ]
    assert str(shifts[1].details["reason"]).startswith("shadow: 60 live requests were replayed, 0 failed")
    assert set(callers.statuses) == {200}
    asked = len(callers.statuses)
    assert counted_since(began, client, _ENDPOINT, at_least=asked) == (asked, 0)
