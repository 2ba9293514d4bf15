"""`serinus rollout`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from serinus.domain.ledger import Action
from serinus.domain.rollout import Outcome, Split
from tests.unit.cli.world import Deployment, in_the_middle_of_a_rollout
from tests.unit.control_plane import ANNA


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment in the middle of the rollout of version 2."""
    return in_the_middle_of_a_rollout()


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["rollout", *args], obj=deployment.client, env={"COLUMNS": "200"})


def document(deployment: Deployment, *args: str) -> Any:  # noqa: ANN401 - JSON
    """Return what a command prints with --json."""
    result = run(deployment, *args, "--json")
    return json.loads(result.stdout)


def last(deployment: Deployment) -> tuple[Action, str, object]:
    """Return the last deed on record: what, who and why."""
    entry = deployment.ledger.entries("fraud")[-1]
    return entry.action, entry.actor, entry.details["reason"]


def test_a_rollout_is_paused_and_resumed(deployment: Deployment) -> None:
    """Each says what it means, and is on record under the name that was verified."""
    paused = run(deployment, "pause", "fraud", "--reason", "a look at refunds")
    assert paused.exit_code == 0, paused.output
    assert "is paused: 5 % of traffic goes to release 3 until `serinus rollout resume fraud`" in paused.stdout
    assert last(deployment) == (Action.ROLLOUT_PAUSED, ANNA, "a look at refunds")
    status = CliRunner().invoke(app, ["status", "fraud"], obj=deployment.client, env={"COLUMNS": "200"})
    assert f", paused by {ANNA}: a look at refunds" in status.stdout
    resumed = run(deployment, "resume", "fraud")
    assert "goes on: 5 % of traffic goes to release 3 now" in resumed.stdout
    assert last(deployment) == (Action.ROLLOUT_RESUMED, ANNA, "")


def test_a_promotion_waits_for_the_tick(deployment: Deployment) -> None:
    """The command moves nothing itself."""
    promoted = run(deployment, "promote", "fraud", "--reason", "the season begins")
    assert "at its next tick, all traffic goes to the candidate, unproven" in promoted.stdout
    assert last(deployment) == (Action.PROMOTION_REQUESTED, ANNA, "the season begins")
    assert deployment.traffic.current("fraud").stable == 2


def test_an_abort_is_done_at_once(deployment: Deployment) -> None:
    """Traffic is on stable when the command returns; the same again has nothing to do, and is no error."""
    rollout = document(deployment, "list", "fraud")["rollouts"][0]["id"]
    aborted = run(deployment, "abort", "fraud", "--reason", "complaints")
    assert "Aborted: all traffic goes to release 2." in aborted.stdout
    assert deployment.traffic.current("fraud") == Split(2)
    assert last(deployment) == (Action.ROLLOUT_ENDED, ANNA, "aborted: complaints")
    again = run(deployment, "abort", "fraud", "--rollout", rollout, "--reason", "complaints")
    assert again.exit_code == 0
    assert "nothing to abort" in again.stdout


def test_what_has_ended_says_how(deployment: Deployment) -> None:
    """In one sentence, and exit code 1."""
    rollout = document(deployment, "list", "fraud")["rollouts"][0]["id"]
    run(deployment, "abort", "fraud", "--reason", "complaints")
    result = run(deployment, "pause", "fraud", "--rollout", rollout, "--reason", "wait")
    assert result.exit_code == 1
    assert f"rollout '{rollout}' has ended as rolled_back: aborted: complaints" in result.stderr
    assert document(deployment, "pause", "fraud", "--reason", "wait") == {
        "error": "endpoint 'fraud' has no rollout under way"
    }


def test_a_version_is_rolled_out_again(deployment: Deployment) -> None:
    """While another is under way it waits; what is live or under way is not begun anew."""
    assert "is under way already" in run(deployment, "start", "fraud", "2").stdout
    run(deployment, "abort", "fraud", "--reason", "complaints")
    assert "begins" in run(deployment, "start", "fraud", "2", "--reason", "it was the data").stdout
    assert last(deployment) == (Action.ROLLOUT_REQUESTED, ANNA, "it was the data")
    assert list(deployment.executions.started.values()) == [{"endpoint": "fraud", "version": 2}]
    assert "is live already" in document(deployment, "start", "fraud", "1")["error"]
    assert "has no model version 9" in document(deployment, "start", "fraud", "9")["error"]


def test_rollouts_are_listed(deployment: Deployment) -> None:
    """The latest first, with how each ended."""
    result = run(deployment, "list", "fraud")
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if "v1-" in line or "v2-" in line]
    assert "at 5 %" in rows[0]
    assert str(Outcome.PROMOTED) in rows[1]
    assert len(document(deployment, "list", "fraud", "--at-most", "1")["rollouts"]) == 1


def test_an_endpoint_without_rollouts_says_so() -> None:
    """And what to do."""
    assert "`serinus push fraud" in run(Deployment(), "list", "fraud").stdout


@pytest.mark.parametrize("command", ["pause", "promote", "abort"])
def test_a_reason_is_required(command: str) -> None:
    """The ledger wants one; an empty one is none."""
    assert "--reason" in document(Deployment(), command, "fraud")["error"]
    assert "say why" in document(Deployment(), command, "fraud", "--reason", " ")["error"]


def test_every_command_is_documented_and_has_json() -> None:
    """`--help` is the reference; a live view is for people alone."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands["rollout"].commands.items():
        assert len(command.help or "") > 20, name
        options = [option for parameter in command.params for option in parameter.opts]
        assert ("--json" in options) is (name != "watch"), name
        assert all(len(parameter.help or "") > 10 for parameter in command.params), name
