"""`serinus rollback`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from serinus.domain.rollout import Split
from tests.unit.cli.world import Deployment, write_holdout, write_model
from tests.unit.control_plane import ANNA


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
    """The control API has it done; the command says where traffic is now."""
    result = run(deployment, "fraud", "--reason", "complaints")
    assert result.exit_code == 0, result.output
    assert "100 % of traffic goes to release 2 (version 1)." in result.stdout
    assert deployment.control.asked == [("POST", "/endpoints/fraud/rollback")]
    assert deployment.traffic.current("fraud") == Split(2)
    assert deployment.ledger.entries("fraud")[-1].actor == ANNA


def test_json_is_the_apis_answer_and_what_is_live(deployment: Deployment) -> None:
    """One document."""
    document = json.loads(run(deployment, "fraud", "--reason", "complaints", "--json").stdout)
    assert document["status"] == "rolled_back"
    assert document["live"] == [{"side": "stable", "release": 2, "version": 1, "percent": 100}]


def test_a_wanted_release_that_a_rollout_overrules_is_said(deployment: Deployment) -> None:
    """`--to` counts where no rollout is under way; who asked for it must hear that it did not."""
    result = run(deployment, "fraud", "--reason", "complaints", "--to", "3")
    assert "returned to its stable release, not to 3" in result.stdout


def test_the_apis_error_is_told_plainly() -> None:
    """Nothing served before: the API's own sentence, and exit code 1."""
    result = run(Deployment(), "fraud", "--reason", "complaints", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "endpoint 'fraud' has no earlier release to return to"}


def test_an_unknown_endpoint_is_told() -> None:
    """With those there are."""
    result = run(Deployment(), "frod", "--reason", "x")
    assert result.exit_code == 1
    assert "there is no endpoint 'frod'" in result.stderr


def test_a_reason_is_required() -> None:
    """The ledger wants one; leaving it out is wrong usage, told as JSON too."""
    result = run(Deployment(), "fraud", "--json")
    assert result.exit_code == 2
    assert "--reason" in json.loads(result.stdout)["error"]
