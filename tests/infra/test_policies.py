"""A malformed policy file ends the app with one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra_cdk.app import ENDPOINTS, main, read_policies

_SOUND = 'endpoint = "fraud"\nowners = ["a@example.com"]\n[[gates]]\nmetric = "roc_auc"\nminimum = 0.7\n'


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("fraud.toml", "endpoint = ", "fraud.toml is not valid TOML"),
        ("fraud.toml", _SOUND.replace("owners", "owner"), "owners"),
        ("fraud.toml", _SOUND.replace("0.7", '"high"'), "gates.0.minimum"),
        ("fraud.toml", _SOUND + "[serving]\nmemory_mb = 64\n", "serving.memory_mb"),
        ("fraud.toml", _SOUND + "[rollout]\nsteps = [50, 5]\n", "they must rise"),
        ("scoring.toml", _SOUND, "name the file fraud.toml"),
    ],
)
def test_a_malformed_policy_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, named: str
) -> None:
    """The exit code is 2; the one line on standard error names the file and the field."""
    (tmp_path / file).write_text(text, encoding="utf-8")

    assert main(endpoints=tmp_path) == 2

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert file in said
    assert named in said


def test_the_endpoints_of_this_repository_are_sound() -> None:
    """Every policy file that is deployed can be read."""
    assert [policy.endpoint for policy in read_policies(ENDPOINTS)] == ["electricity"]
