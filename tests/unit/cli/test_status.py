"""`serinus status`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from serinus.domain.shadow_tally import ShadowTally
from tests.unit.cli.world import Deployment, in_the_middle_of_a_rollout


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment where version 1 is live and version 2 at the first step of its rollout."""
    return in_the_middle_of_a_rollout()


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["status", *args], obj=deployment.client, env={"COLUMNS": "200"})


def test_one_endpoint_tells_what_is_live_and_what_is_on_its_way(deployment: Deployment) -> None:
    """Releases, versions, weights, step, metrics: all a person on call asks first."""
    result = run(deployment, "fraud")
    assert result.exit_code == 0, result.output
    assert "release 2 (version 1) 95 %, release 3 (version 2) 5 %" in result.stdout
    assert "step 1 of 3" in result.stdout
    assert "It changes: model version 1 → 2." in result.stdout
    assert "roc_auc" in result.stdout
    assert "No requests were collected in the last 60 minutes" in result.stdout


def test_a_rollout_in_its_shadow_says_so(deployment: Deployment) -> None:
    """And how far it has come, in words and in JSON."""
    rollout = deployment.rollouts.active("fraud")
    assert rollout is not None
    shadow = ShadowTally(rollout.started_at, scored=11, failed=1)
    deployment.rollouts.save(replace(rollout, steps_begun=(), shadow=shadow), replaced=rollout)
    assert "it is in its shadow, where 12 live requests were replayed" in run(deployment, "fraud").stdout
    assert json.loads(run(deployment, "fraud", "--json").stdout)["rollout"]["stage"] == "shadowing"


def test_json_tells_the_same(deployment: Deployment) -> None:
    """One document."""
    document = json.loads(run(deployment, "fraud", "--json", "--minutes", "5").stdout)
    assert document["live"] == [
        {"side": "stable", "release": 2, "version": 1, "percent": 95},
        {"side": "candidate", "release": 3, "version": 2, "percent": 5},
    ]
    assert document["rollout"]["step"] == 0
    assert document["rollout"]["changes"] == ["model version 1 → 2"]
    assert [version["status"] for version in document["versions"]] == ["validated", "validated"]
    assert [(row["release"], row["requests"], row["metrics"]) for row in document["performance"]] == [
        (2, 0, {}),
        (3, 0, {}),
    ]
    assert document["minutes"] == 5


def test_without_an_endpoint_all_are_listed(deployment: Deployment) -> None:
    """In a table and as JSON."""
    assert "fraud" in run(deployment).stdout
    document = json.loads(run(deployment, "--json").stdout)
    assert [endpoint["endpoint"] for endpoint in document["endpoints"]] == ["fraud"]


def test_an_endpoint_without_a_release_says_so() -> None:
    """The alias points at the version that answers 503."""
    result = run(Deployment(), "fraud")
    assert "nothing is released yet" in result.stdout
    assert json.loads(run(Deployment(), "fraud", "--json").stdout)["live"][0]["version"] is None


def test_an_unknown_endpoint_is_one_sentence() -> None:
    """As JSON where JSON was asked for."""
    result = run(Deployment(), "frod", "--json")
    assert result.exit_code == 1
    assert "no endpoint 'frod'" in json.loads(result.stdout)["error"]
