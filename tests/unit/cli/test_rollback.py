"""`serinus rollback`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from serinus.domain.rollout import Split
from tests.unit.cli.world import Deployment, in_the_middle_of_a_rollout
from tests.unit.control_plane import ANNA


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment in the middle of the rollout of version 2."""
    return in_the_middle_of_a_rollout()


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["rollback", *args], obj=deployment.client, env={"COLUMNS": "200"})


def test_traffic_returns_to_stable_under_the_callers_name(deployment: Deployment) -> None:
    """The control API has it done; the command says where traffic is now."""
    result = run(deployment, "fraud", "--reason", "complaints")
    assert result.exit_code == 0, result.output
    assert "100 % of traffic goes to release 2 (version 1)." in result.stdout
    (rollout,) = [found.id for found in deployment.rollouts.list("fraud") if found.model_version == 2]
    assert deployment.control.asked == [("POST", "/endpoints/fraud/rollback")]
    assert json.loads(deployment.control.bodies[-1]) == {"reason": "complaints", "rollout": rollout}
    assert deployment.traffic.current("fraud") == Split(2)
    assert deployment.ledger.entries("fraud")[-1].actor == ANNA


def test_json_is_the_apis_answer_and_what_is_live(deployment: Deployment) -> None:
    """One document."""
    document = json.loads(run(deployment, "fraud", "--reason", "complaints", "--json").stdout)
    assert document["status"] == "rolled_back"
    assert document["live"] == [{"side": "stable", "release": 2, "version": 1, "percent": 100}]


def test_a_release_can_be_named_while_a_rollout_is_under_way(deployment: Deployment) -> None:
    """The rollout ends, and traffic is there; the candidate itself is nothing to return to."""
    refused = run(deployment, "fraud", "--reason", "complaints", "--to", "3")
    assert refused.exit_code == 1
    assert "release 3: it never served all traffic; return to 2" in refused.stderr
    assert deployment.traffic.current("fraud").candidate == 3
    result = run(deployment, "fraud", "--reason", "complaints", "--to", "2")
    assert "Rolled back." in result.stdout
    assert deployment.traffic.current("fraud") == Split(2)


def test_asked_for_twice_it_goes_back_once(deployment: Deployment) -> None:
    """The second is told what is live, and how to go further back."""
    run(deployment, "fraud", "--reason", "complaints")
    second = run(deployment, "fraud", "--reason", "complaints")
    assert second.exit_code == 0
    assert "Nothing was done: release 3 is not live, release 2 is" in second.stdout
    assert "--from 2" in second.stdout
    assert deployment.traffic.current("fraud") == Split(2)
    assert json.loads(deployment.control.bodies[-1])["from"] == 3


def test_what_is_live_can_be_named(deployment: Deployment) -> None:
    """Then the function is told that, and does it or says why not."""
    run(deployment, "fraud", "--reason", "complaints")
    result = run(deployment, "fraud", "--reason", "complaints", "--from", "2", "--json")
    assert json.loads(deployment.control.bodies[-1])["from"] == 2
    assert json.loads(result.stdout)["error"].endswith("no earlier release to return to")


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
