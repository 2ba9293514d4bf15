"""`serinus token`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from botocore.exceptions import NoRegionError
from typer.testing import CliRunner, Result

from serinus.cli.invoking import caller
from serinus.cli.main import app
from serinus.domain.ledger import Action
from serinus.domain.serving import Authorisation, Serving
from serinus.domain.token import parse_bearer
from tests.unit.cli.world import FRAUD, Deployment

_ANNA = "arn:aws:iam::123456789012:user/anna"


@pytest.fixture(autouse=True)
def _anna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serinus.cli.token.caller", lambda: _ANNA)  # STS, the one thing here that is no port


@pytest.fixture
def deployment() -> Deployment:
    """Return a deployment whose endpoint `fraud` asks for tokens and counts calls."""
    deployed = Deployment()
    serving = Serving(authorisation=Authorisation.TOKEN, throttle_callers=True)
    deployed.policies.deploy(replace(deployed.policies.get(FRAUD), serving=serving))
    return deployed


def run(deployment: Deployment, *args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["token", *args], obj=deployment.client, env={"COLUMNS": "200"})


def test_a_made_token_is_all_that_stdout_holds(deployment: Deployment) -> None:
    """So that it can be piped; what there is to say about it goes to stderr, without it."""
    result = run(deployment, "make", "fraud", "--name", "ci")
    assert result.exit_code == 0, result.output
    bearer = parse_bearer(f"Bearer {result.stdout.strip()}")
    assert bearer is not None
    assert bearer.secret not in result.stderr
    assert "not shown again" in result.stderr
    (entry,) = deployment.ledger.entries("fraud")
    assert (entry.action, entry.actor) == (Action.TOKEN_MADE, _ANNA)


def test_the_secret_is_shown_once(deployment: Deployment) -> None:
    """In the JSON of making it, and in no listing."""
    made = json.loads(run(deployment, "make", "fraud", "--name", "ci", "--calls-per-minute", "60", "--json").stdout)
    assert parse_bearer(f"Bearer {made['secret']}")
    for listing in (run(deployment, "list", "fraud"), run(deployment, "list", "fraud", "--json")):
        assert made["id"] in listing.stdout
        assert made["secret"] not in listing.stdout
        assert made["last_four"] in listing.stdout
    (listed,) = json.loads(run(deployment, "list", "fraud", "--json").stdout)["tokens"]
    assert (listed["state"], listed["calls_per_minute"]) == ("active", 60)
    assert "secret" not in listed


def test_rotating_shows_another_secret(deployment: Deployment) -> None:
    """The old one goes on for a day, unless told otherwise."""
    first = json.loads(run(deployment, "make", "fraud", "--name", "ci", "--json").stdout)
    second = json.loads(run(deployment, "rotate", "fraud", "--name", "ci", "--json").stdout)
    assert first["secret"] != second["secret"]
    tokens = json.loads(run(deployment, "list", "fraud", "--json").stdout)["tokens"]
    assert [token["state"] for token in tokens] == ["active", "active"]
    run(deployment, "rotate", "fraud", "--name", "ci", "--overlap-hours", "0")
    tokens = json.loads(run(deployment, "list", "fraud", "--json").stdout)["tokens"]
    assert [token["state"] for token in tokens] == ["revoked", "revoked", "active"]


def test_revoking_tells_what_was_revoked(deployment: Deployment) -> None:
    """And that there was nothing left to revoke."""
    made = json.loads(run(deployment, "make", "fraud", "--name", "ci", "--json").stdout)
    revoked = json.loads(run(deployment, "revoke", "fraud", "--name", "ci", "--json").stdout)
    assert [token["id"] for token in revoked["revoked"]] == [made["id"]]
    assert revoked["at_once"] is True
    assert "revoked or had expired before" in run(deployment, "revoke", "fraud", "--name", "ci").stdout


def test_who_may_not_reset_the_gateway_is_warned(deployment: Deployment) -> None:
    """A revocation that takes five minutes must not look like one that does not."""
    deployment.decisions.forgets = False
    run(deployment, "make", "fraud", "--name", "ci")
    result = run(deployment, "revoke", "fraud", "--name", "ci")
    assert result.exit_code == 0
    assert "up to 5 minutes more" in result.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("make", "frod", "--name", "ci"), "no endpoint 'frod'"),
        (("make", "fraud", "--name", "C I"), "cannot name a token"),
        (("rotate", "fraud", "--name", "ci"), "no token 'ci' that could be replaced"),
        (("revoke", "fraud", "--name", "ci"), "no token 'ci'"),
        (("list", "frod"), "no endpoint 'frod'"),
    ],
)
def test_what_is_wrong_is_one_sentence(deployment: Deployment, args: tuple[str, ...], said: str) -> None:
    """On stderr, or as JSON where that was asked for."""
    plain, as_json = run(deployment, *args), run(deployment, *args, "--json")
    assert (plain.exit_code, as_json.exit_code) == (1, 1)
    assert said in plain.stderr
    assert said in json.loads(as_json.stdout)["error"]


def test_an_endpoint_without_tokens_says_how_to_make_one(deployment: Deployment) -> None:
    """Rather than an empty table."""
    assert "serinus token make fraud" in run(deployment, "list", "fraud").stdout


def test_a_caller_whom_sts_does_not_name_is_named_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A revocation is not held up by it."""

    def no_region(*_args: object, **_options: object) -> None:
        raise NoRegionError

    monkeypatch.setattr("boto3.client", no_region)
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    assert caller() == "anna (as their machine says)"
