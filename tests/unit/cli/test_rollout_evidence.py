"""`serinus rollout explain`, `watch` and `plan`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from serinus.cli.evidence import plotted
from serinus.cli.main import app
from serinus.domain.evidence import Tally
from serinus.domain.guard import RolloutMetric
from serinus.domain.judgement import RolloutEvidence, Tick, judge, observe
from serinus.domain.rollout import Decision, Outcome, Rollout
from tests.unit.cli.world import FRAUD, Deployment, in_the_middle_of_a_rollout


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment where version 1 is live and version 2 at the first step of its rollout."""
    return in_the_middle_of_a_rollout()


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["rollout", *args], obj=deployment.client, env={"COLUMNS": "200"})


def weighed(deployment: Deployment, *bad: int) -> Rollout:
    """Let the rollout under way be looked at, once for each number of bad answers of the candidate."""
    rollout = deployment.rollouts.active(FRAUD)
    assert rollout is not None
    evidence = rollout.evidence or RolloutEvidence.at_start(rollout.plan.guards)
    looks: list[Decision] = []
    for minute, count in enumerate(bad):
        tick = Tick(0, 0.25, {RolloutMetric.ERRORS: (Tally(950, 5, 50, count),)})
        evidence = observe(evidence, tick)
        judged = judge(evidence, weight=0.05, next_weight=0.25)
        since = rollout.started_at + timedelta(minutes=minute)
        at = since + timedelta(minutes=3)
        looks.append(Decision(at, judged.verdict, judged.reason, 5, since, tick, judged.figures))
    until = rollout.started_at + timedelta(minutes=len(bad))
    state = rollout.weighed(evidence, until=until, labelled=()).looked_at(looks[-1])
    deployment.rollouts.save(state, replaced=rollout, looks=looks)
    return state


def test_the_numbers_and_the_words_are_told(deployment: Deployment) -> None:
    """What is known of each metric, what was said when, and that the record bears it out."""
    weighed(deployment, 0, 0, 3)
    told = run(deployment, "explain", "fraud").stdout
    assert "3 of 150" in told
    assert "15 of 2,850" in told
    assert "hold" in told
    assert "2 of 3 looks" in told
    assert "the ticks give the evidence that was judged" in told
    assert "3 of 3 looks" in run(deployment, "explain", "fraud", "--every-look").stdout


def test_json_tells_every_look_with_what_was_counted(deployment: Deployment) -> None:
    """Enough to judge anew."""
    state = weighed(deployment, 0, 30)
    document = json.loads(run(deployment, "explain", "fraud", "--rollout", state.id, "--json").stdout)
    assert document["replayed"] == "same"
    assert [look["verdict"] for look in document["looks"]] == ["hold", "roll_back"]
    assert document["looks"][1]["counted"] == {"errors": [[950, 5, 50, 30]]}
    errors = document["looks"][1]["metrics"][0]
    assert (errors["metric"], errors["candidate_bad"], errors["evidence_needed"]) == ("errors", 30, 100)
    assert errors["evidence"] > 100


def test_a_record_that_says_something_else_is_told(deployment: Deployment) -> None:
    """Loudly: somebody wrote into it."""
    state = weighed(deployment, 0, 0)
    forged = replace(state, evidence=RolloutEvidence.at_start(state.plan.guards))
    deployment.rollouts.save(forged, replaced=state)
    assert "ANOTHER evidence" in run(deployment, "explain", "fraud").stdout


def test_the_evidence_is_drawn(deployment: Deployment) -> None:
    """As text that a pipe takes; before anything was weighed, in words."""
    assert "nothing to draw" in run(deployment, "explain", "fraud", "--plot").stdout
    state = weighed(deployment, 0, 1, 2)
    looks = deployment.rollouts.decisions(FRAUD, state.id)
    drawn = plotted(looks, colour=False)
    assert "errors: worse" in drawn
    assert "errors: within the margin" in drawn
    assert "\x1b" not in drawn
    assert "\x1b" in plotted(looks, colour=True)
    assert "powers of ten" in run(deployment, "explain", "fraud", "--plot").stdout


def test_an_endpoint_without_rollouts_has_nothing_to_explain() -> None:
    """One sentence, as JSON where JSON was asked for."""
    result = run(Deployment(), "explain", "fraud", "--json")
    assert result.exit_code == 1
    assert "no rollout" in json.loads(result.stdout)["error"]


def test_watching_ends_with_the_rollout(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last view shows the shares and the evidence; then it says how it ended."""
    state = weighed(deployment, 0, 1)

    def pause(_seconds: float) -> None:
        ended = state.ended(Outcome.ROLLED_BACK, "complaints", at=datetime.fromisoformat("2026-03-04T12:00:00+00:00"))
        deployment.rollouts.save(ended, replaced=state)

    monkeypatch.setattr("serinus.cli.rollout_watch.time.sleep", pause)
    told = run(deployment, "watch", "fraud").stdout
    assert "candidate, release 3" in told
    assert "Ended: rolled_back, complaints" in told


def test_watching_stops_when_it_is_told_to(deployment: Deployment) -> None:
    """The rollout goes on by itself."""
    assert "It goes on by itself" in run(deployment, "watch", "fraud", "--timeout-minutes", "0").stdout


def test_a_plan_tells_what_each_step_takes(deployment: Deployment) -> None:
    """At a given traffic, with the policy's steps or others."""
    told = run(deployment, "plan", "fraud", "--requests-per-hour", "50000").stdout
    assert "is asked 50,000.0 requests an hour" in told
    assert "95 of 100 within" in told
    document: dict[str, Any] = json.loads(
        run(deployment, "plan", "fraud", "--requests-per-hour", "50000", "--steps", "10,50", "--json").stdout
    )
    assert [step["percent"] for step in document["steps"]] == [10, 50]
    assert document["hours"] > 0
    assert document["margins"] == {"errors": 0.005}


@pytest.mark.parametrize("steps", ["50,10", "0,50", "5,100", "a few"])
def test_steps_that_cannot_be_taken_are_refused(deployment: Deployment, steps: str) -> None:
    """Before anything is reckoned."""
    result = run(deployment, "plan", "fraud", "--steps", steps, "--json")
    assert result.exit_code == 2
    assert "--steps" in json.loads(result.stdout)["error"]


def test_without_a_release_there_is_nothing_to_plan() -> None:
    """The first one goes live after its smoke test."""
    result = run(Deployment(), "plan", "fraud", "--json")
    assert "nothing is released" in json.loads(result.stdout)["error"]
