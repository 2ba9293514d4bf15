"""`serinus rollback`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import NoRegionError
from typer.testing import CliRunner, Result

from serinus.cli import rollback as module
from serinus.cli.main import app
from serinus.domain.rollout import Split
from tests.unit.cli.world import Deployment, write_holdout, write_model

_ANNA = "arn:aws:iam::123456789012:user/anna"
_CALLER = module.caller


@pytest.fixture(autouse=True)
def _anna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "caller", lambda: _ANNA)  # STS, the one thing here that is no port


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Return a deployment in the middle of the rollout of version 2."""
    deployed = Deployment()
    holdout = write_holdout(tmp_path / "h.csv")
    for seed in (1, 3):
        model = write_model(tmp_path / "m.onnx", seed=seed)
        args = ["push", "fraud", str(model), "--holdout", str(holdout), "--target", "fraud", "--timeout-minutes", "0"]
        CliRunner().invoke(app, args, obj=deployed.client)
    return deployed


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["rollback", *args], obj=deployment.client, env={"COLUMNS": "200"})


def test_traffic_returns_to_stable_under_the_callers_name(deployment: Deployment) -> None:
    """The function does it; the command says where traffic is now."""
    result = run(deployment, "fraud", "--reason", "complaints")
    assert result.exit_code == 0, result.output
    assert "100 % of traffic goes to release 2 (version 1)." in result.stdout
    assert deployment.functions.called == [
        ("serinus-roll-back", {"endpoint": "fraud", "reason": "complaints", "requested_by": _ANNA})
    ]
    assert deployment.traffic.current("fraud") == Split(2)
    assert deployment.ledger.entries("fraud")[-1].actor == _ANNA


def test_json_is_the_functions_answer_and_what_is_live(deployment: Deployment) -> None:
    """One document."""
    document = json.loads(run(deployment, "fraud", "--reason", "complaints", "--json").stdout)
    assert document["status"] == "rolled_back"
    assert document["live"] == [{"side": "stable", "release": 2, "version": 1, "percent": 100}]


def test_a_wanted_release_that_a_rollout_overrules_is_said(deployment: Deployment) -> None:
    """`--to` counts where no rollout is under way; who asked for it must hear that it did not."""
    result = run(deployment, "fraud", "--reason", "complaints", "--to", "3")
    assert "returned to its stable release, not to 3" in result.stdout


def test_the_functions_error_is_told_plainly() -> None:
    """Nothing served before: the function's own sentence, and exit code 1."""
    result = run(Deployment(), "fraud", "--reason", "complaints", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "endpoint 'fraud' has no earlier release to return to"}


def test_a_release_that_sleeps_is_waited_for(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function is asked until the release is awake; where it never is, that is said."""
    run(deployment, "fraud", "--reason", "complaints")
    monkeypatch.setattr(module, "_ASKS_EVERY_SECONDS", 0.0)
    deployment.traffic.asleep = {1}
    deployment.rollouts.record_release(replace(deployment.rollouts.releases("fraud")[0], number=1))
    result = run(deployment, "fraud", "--reason", "more complaints", "--to", "1")
    assert result.exit_code == 0, result.output
    assert "release 1 sleeps" in result.stderr
    assert "Rolled back." in result.stdout
    assert len(deployment.functions.called) == 3
    assert deployment.traffic.current("fraud") == Split(1)

    monkeypatch.setattr(module, "_WAKES_WITHIN_SECONDS", -1.0)
    deployment.traffic.asleep = {2}
    result = run(deployment, "fraud", "--reason", "still", "--to", "2", "--json")
    assert result.exit_code == 1
    assert "being woken: ask again later, or return to another" in json.loads(result.stdout)["error"]
    assert deployment.traffic.current("fraud") == Split(1)


def test_an_unknown_endpoint_calls_nothing() -> None:
    """It is told before the function is bothered."""
    deployment = Deployment()
    assert run(deployment, "frod", "--reason", "x").exit_code == 1
    assert deployment.functions.called == []


def test_a_reason_is_required() -> None:
    """The ledger wants one; leaving it out is wrong usage, told as JSON too."""
    result = run(Deployment(), "fraud", "--json")
    assert result.exit_code == 2
    assert "--reason" in json.loads(result.stdout)["error"]


def test_a_caller_whom_sts_does_not_name_is_named_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A roll-back is not held up by it."""

    def no_region(*_args: object, **_options: object) -> None:
        raise NoRegionError

    monkeypatch.setattr("boto3.client", no_region)
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    assert _CALLER() == "anna (as their machine says)"
