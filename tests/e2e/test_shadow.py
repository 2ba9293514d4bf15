"""A shadow on the wiring that production uses: the log of one release is replayed to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from serinus import wiring
from serinus.cli.client import push
from serinus.domain.ledger import Action
from serinus.domain.rollout import Split
from serinus.use_cases.push_model import PushProgress, Stage
from tests.e2e.callers import Callers, a_holdout, an_estimator
from tests.models import failing_model

pytestmark = pytest.mark.e2e

_ENDPOINT = "shadowed"


def _pushed(client: wiring.Client, model: object, *, within: float = float("inf")) -> PushProgress:
    holdout = a_holdout(within=within)
    return push(_ENDPOINT, model, holdout, target="target", client=client, timeout_minutes=1)


def test_live_requests_are_replayed_before_any_caller_meets_the_candidate(
    client: wiring.Client, tmp_path: Path
) -> None:
    """One that fails on them, and on no held-out row, never gets traffic; one that answers them gets its first step.

    Nobody asks meanwhile: what stable answered before the rollouts is enough, and of what the shadows asked nothing is
    counted as traffic.
    """
    first = _pushed(client, an_estimator())
    assert first.stage is Stage.PROMOTED, first.reason
    stable = client.describing.traffic.current(_ENDPOINT)
    Callers(client, _ENDPOINT).ask(80)

    bad = tmp_path / "bad.onnx"
    bad.write_bytes(failing_model(("a", "b"), bound=0)[0])
    failed = _pushed(client, bad, within=0.9)
    assert failed.stage is Stage.ROLLED_BACK, failed.reason
    assert "live requests replayed to the candidate failed, 0 of" in failed.reason
    assert client.describing.traffic.current(_ENDPOINT) == stable
    assert client.rollouts.active(_ENDPOINT) is None

    good = _pushed(client, an_estimator(regularisation=0.5))
    assert good.rollout is not None
    tally = good.rollout.shadow
    assert tally is not None
    assert (tally.replayed, tally.failed, tally.refused, tally.timed) == (60, 0, 0, 60)
    assert tally.agreement > 0.95
    assert tally.passed.startswith("shadow: 60 live requests were replayed, 0 failed")

    shifts = [entry for entry in client.ledger.entries(_ENDPOINT) if entry.action is Action.TRAFFIC_SHIFTED]
    splits = [(entry.details["stable"], entry.details["candidate"]) for entry in shifts]
    assert splits[:2] == [(stable.stable, None), (stable.stable, good.rollout.candidate)]
    assert str(shifts[1].details["reason"]).startswith(tally.passed)
    assert failed.rollout is not None
    for release in (failed.rollout.candidate, good.rollout.candidate):
        assert not client.data.list(f"profiles/{_ENDPOINT}/{release}/")
        assert not client.data.list(f"records/{_ENDPOINT}/{release}/")
    assert client.describing.traffic.current(_ENDPOINT) == Split(stable.stable)
