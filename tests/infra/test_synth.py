"""What is promised of the synth as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from infra_cdk.constructs import function as function_construct
from infra_cdk.constructs.permission import Permission, let_wildcards_through
from serinus.domain.policy import Policy
from tests.infra.assembly import Assembly, synthesise

# The CDK adds an explicit dependency on a function's role beside the reference to it; harmless, and not ours.
_LEFT_TO_THE_CDK = "W3005"


def test_two_synths_are_identical(
    local: Assembly, tmp_path: Path, layers: Path, policies: tuple[Policy, ...]
) -> None:
    """The same sources give the same templates and assets, so a deploy changes what was changed and nothing else."""
    again = synthesise(tmp_path, layers=layers, policies=policies, local=True)

    assert again.templates == local.templates
    assert {path.name for path in again.directory.iterdir()} == {path.name for path in local.directory.iterdir()}


def test_a_wildcard_that_nobody_explained_fails_the_synth(
    tmp_path: Path, layers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other synth here has therefore passed cdk-nag with each of its suppressions explained."""
    monkeypatch.setattr(function_construct, "let_wildcards_through", lambda *_: None)

    with pytest.raises(RuntimeError, match="does not have a cdk-nag rule suppression"):
        synthesise(tmp_path, layers=layers, policies=[])

    assert "AwsSolutions-IAM5[Resource::" in (tmp_path / "validation-report.json").read_text(encoding="utf-8")


def test_cfn_lint_finds_nothing(aws: Assembly) -> None:
    """The templates are what CloudFormation takes."""
    linted = subprocess.run(
        [
            str(Path(sys.executable).with_name("cfn-lint")),
            "--ignore-checks",
            _LEFT_TO_THE_CDK,
            "--",
            *(str(path) for path in sorted(aws.directory.glob("*.template.json"))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout


def test_a_wildcard_is_acknowledged_only_with_a_reason() -> None:
    """A permission without a reason leaves its wildcard for cdk-nag to find."""
    stack = Stack(App(), "Test")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    let_wildcards_through(
        role,
        [
            Permission(("s3:GetObject",), ("arn:aws:s3:::explained/*",), "because"),
            Permission(("s3:GetObject",), ("arn:aws:s3:::unexplained/*",)),
        ],
    )
    role.node.validate()

    acknowledged = json.dumps([entry.data for entry in role.node.metadata], default=str)

    assert "arn:aws:s3:::explained/*" in acknowledged
    assert "unexplained" not in acknowledged
