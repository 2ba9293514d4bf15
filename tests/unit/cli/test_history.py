"""`serinus history`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from serinus.cli.main import app
from serinus.cli.wording import in_words
from serinus.domain.ledger import Action, Detail, LedgerEntry
from serinus.domain.rollout import Release
from serinus.wiring import Client
from tests.unit.cli.world import FRAUD, Deployment

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment whose release 2 went live at noon, and release 3 an hour later."""
    deployed = Deployment()
    for hour, release in enumerate((2, 3)):
        at = NOON + timedelta(hours=hour)
        deployed.rollouts.record_release(Release(FRAUD, release, release - 1, "digest", "layer", at, "rollout"))
        details: dict[str, Detail] = {
            "stable": release,
            "candidate": None,
            "candidate_percent": 0,
            "reason": "it answered",
        }
        deployed.ledger.append(LedgerEntry(FRAUD, f"shifted:{hour}", Action.TRAFFIC_SHIFTED, "anna", at, details))
    return deployed


def run(client: Client, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["history", *args], obj=client, env={"COLUMNS": "200"})


def test_it_tells_what_was_live_and_what_was_done(deployment: Deployment) -> None:
    """Both tables, and that the chain holds."""
    result = run(deployment.client, "fraud")
    assert result.exit_code == 0, result.output
    assert "release 2 (version 1)" in result.stdout
    assert "all traffic to release 3: it answered" in result.stdout
    assert "The chain of digests holds over all 2 entries." in result.stdout


def test_json_tells_the_same(deployment: Deployment) -> None:
    """With the model versions; the last interval is open."""
    document = json.loads(run(deployment.client, "fraud", "--json").stdout)
    assert [(span["stable"], span["stable_version"], span["end"]) for span in document["live"]] == [
        (2, 1, "2030-01-31T13:00:00+00:00"),
        (3, 2, None),
    ]
    assert document["chain_holds"] is True


def test_an_instant_tells_what_was_live_then(deployment: Deployment) -> None:
    """At noon and a half it was release 2; an hour before, nothing."""
    document = json.loads(run(deployment.client, "fraud", "--json", "--at", "2030-01-31T12:30").stdout)
    assert [span["stable"] for span in document["live"]] == [2]
    assert len(document["entries"]) == 1
    assert "nothing was released" in run(deployment.client, "fraud", "--at", "2030-01-31T11:00+00:00").stdout
    told = run(deployment.client, "fraud", "--at", "2030-01-31T13:00Z").stdout
    assert "What was live at 2030-01-31 13:00" in told
    assert "release 3 (version 2)" in told


def test_the_limit_leaves_out_the_oldest_entries(deployment: Deployment) -> None:
    """The table says how many there are."""
    assert "(the latest 1 of 2)" in run(deployment.client, "fraud", "--limit", "1").stdout
    document = json.loads(run(deployment.client, "fraud", "--limit", "1", "--json").stdout)
    assert [entry["sequence"] for entry in document["entries"]] == [2]


def test_a_broken_chain_is_said(deployment: Deployment) -> None:
    """Somebody rewrote the past."""
    forged = _ForgedLedger(deployment.ledger.entries("fraud"))
    client = replace(deployment.client, ledger=cast("Any", forged))
    assert "The chain is broken at entry 2" in run(client, "fraud").stdout
    document = json.loads(run(client, "fraud", "--json").stdout)
    assert (document["chain_holds"], document["broken_at"]) == (False, 2)


class _ForgedLedger:
    def __init__(self, entries: Sequence[LedgerEntry]) -> None:
        self._entries = [replace(entries[0], actor="nobody"), *entries[1:]]

    def entries(self, _endpoint: str) -> Sequence[LedgerEntry]:
        return self._entries


def test_what_a_rollout_changes_is_told(deployment: Deployment) -> None:
    """In the words that were recorded when it started."""
    details: dict[str, Detail] = {"rollout": "deploy-1", "version": 1, "changes": "memory 1024 → 2048 MB"}
    deployment.ledger.append(LedgerEntry(FRAUD, "started:1", Action.ROLLOUT_STARTED, "start_rollout", NOON, details))
    told = run(deployment.client, "fraud").stdout
    assert "rollout deploy-1 of version 1 started: memory 1024 → 2048 MB (by start_rollout)" in told


def test_nonsense_for_an_instant_is_wrong_usage(deployment: Deployment) -> None:
    """Exit code 2."""
    assert run(deployment.client, "fraud", "--at", "yesterday").exit_code == 2


@pytest.mark.parametrize("action", Action)
def test_every_action_has_words(action: Action) -> None:
    """Even one whose details an older release left out."""
    entry = LedgerEntry(FRAUD, "id", action, "anna", NOON, {"reason": "because"})
    assert in_words(entry).endswith(": because")
