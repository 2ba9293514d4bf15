"""The command as a whole: its help, its errors, its start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from typer.testing import CliRunner

from serinus.cli.failures import explanation
from serinus.cli.main import app
from tests.unit.cli.world import Deployment

_COMMANDS = ("push", "status", "rollback", "history")


def _parsed() -> Any:  # noqa: ANN401 - its class is private in some releases of typer
    return typer.main.get_command(app)


def _parameters() -> Iterator[tuple[str, Any]]:
    for name, command in _parsed().commands.items():
        for parameter in command.params:
            yield f"{name} {parameter.name}", parameter


def test_every_command_and_option_is_documented() -> None:
    """`--help` is the reference: what it leaves out does not exist for a user."""
    for name, command in _parsed().commands.items():
        assert len(command.help or "") > 20, name
    for name, parameter in _parameters():
        assert len(parameter.help or "") > 10, name


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_json(command: str) -> None:
    """No command is for people only."""
    assert "--json" in [option for parameter in _parsed().commands[command].params for option in parameter.opts]


def test_the_version_is_told() -> None:
    """And nothing else is needed for it."""
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.startswith("serinus ")) == (0, True)


def test_start_up_imports_nothing_heavy() -> None:
    """`serinus --help` answers at once; what typer itself imports is its own business."""
    heavy = ("sklearn", "pyarrow", "onnx", "onnxruntime", "ministack", "boto3", "botocore", "numpy")
    code = (
        "import sys; from typer.testing import CliRunner; from serinus.cli.main import app; "
        "assert CliRunner().invoke(app, ['push', '--help']).exit_code == 0; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "anna may not"}}, "GetParameter")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "no AWS credentials were found"),
        (NoRegionError(), "no AWS region is set"),
        (EndpointConnectionError(endpoint_url="http://localhost:1"), "is the local cloud up?"),
        (_denied(), "AWS denies you this: anna may not"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "GetParameter"), "sign in again"),
        (
            ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "Get"),
            "refused the call (Throttling)",
        ),
        (ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow.lib"), "pip install 'serinus[cli,data]'"),
    ],
)
def test_expected_errors_are_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    """Whatever AWS answers, the exit code is 1 and there is no traceback; with --json it is JSON."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    deployment = Deployment()

    def fails(_endpoint: str) -> None:
        raise error

    monkeypatch.setattr(deployment.policies, "get", fails)
    for command in (["status", "fraud"], ["history", "fraud"]):
        plain = CliRunner().invoke(app, command, obj=deployment.client)
        assert plain.exit_code == 1
        assert said in plain.stderr.replace("\n", " ")
        assert "Traceback" not in plain.output
        assert plain.stdout == ""
        document = json.loads(CliRunner().invoke(app, [*command, "--json"], obj=deployment.client).stdout)
        assert said in document["error"]


def test_aws_that_cannot_be_reached_is_not_taken_for_the_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without AWS_ENDPOINT_URL it is the network."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    sentence = explanation(EndpointConnectionError(endpoint_url="https://ssm.eu-west-1.amazonaws.com"))
    assert sentence is not None
    assert "check the network" in sentence


def test_a_defect_keeps_its_traceback() -> None:
    """What is unexpected is not dressed up."""
    assert explanation(KeyError("x")) is None
    assert explanation(ModuleNotFoundError("No module named 'nonesuch'", name="nonesuch")) is None


@pytest.mark.parametrize("command", _COMMANDS)
def test_wrong_usage_is_json_where_json_was_asked_for(command: str) -> None:
    """Exit code 2, and one document."""
    result = CliRunner().invoke(app, [command, "--json", "--nonesuch"])
    assert result.exit_code == 2
    assert "nonesuch" in json.loads(result.stdout)["error"] or "issing" in json.loads(result.stdout)["error"]


def test_the_local_cloud_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who installed the client alone is told what to install."""
    for name in [name for name in sys.modules if name.startswith("serinus.cli.local")]:
        monkeypatch.delitem(sys.modules, name)

    def missing(_name: str) -> None:
        raise ModuleNotFoundError("No module named 'ministack'", name="ministack")

    monkeypatch.setattr("serinus.cli.main.import_module", missing)
    result = CliRunner().invoke(app, ["local", "up", "--json"])
    assert result.exit_code == 1
    assert "pip install 'serinus[cli,local]'" in json.loads(result.stdout)["error"]
