"""CloudFormation creates the alias once, and never moves traffic."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from infra_cdk.constructs import function as function_construct
from tests.infra.assembly import OPEN, Assembly, Json, a_policy, synthesise

_DECIDES_TRAFFIC = ("AWS::Lambda::Version", "AWS::Lambda::Alias")


@pytest.fixture
def changed(tmp_path: Path, layers: Path, monkeypatch: pytest.MonkeyPatch) -> Assembly:
    """The endpoint with everything changed that a deploy can change: code, layers, memory, settings."""
    functions = tmp_path / "functions"
    shutil.copytree(function_construct.FUNCTIONS, functions, ignore=shutil.ignore_patterns("__pycache__"))
    (functions / "infer" / "handler.py").write_text("raise RuntimeError('changed')\n", encoding="utf-8")
    built = tmp_path / "layers"
    shutil.copytree(layers, built)
    (built / "inference" / "python" / "stub.py").write_text("NAME = 'changed'\n", encoding="utf-8")
    monkeypatch.setattr(function_construct, "FUNCTIONS", functions)
    serving = {"memory_mb": 2048, "timeout_seconds": 20, "log_inputs": "none", **OPEN}
    return synthesise(tmp_path / "out", layers=built, policies=[a_policy("fraud", serving=serving)])


def _of(assembly: Assembly, *types: str) -> dict[str, Json]:
    return {
        resource.logical_id: resource.body
        for resource in assembly.resources(*types)
        if resource.stack == "SerinusEndpoint-fraud"
    }


def _infer(assembly: Assembly) -> dict[str, Json]:
    """Return the function that serves; the one that asks versions by number is beside it."""
    of = _of(assembly, "AWS::Lambda::Function")
    return {key: body for key, body in of.items() if body["Properties"]["FunctionName"] == "serinus-endpoint-fraud"}


def test_a_deploy_moves_no_traffic(aws: Assembly, changed: Assembly) -> None:
    """Whatever a deploy changes, the version and the alias keep their ids and properties, so they are left alone."""
    before, after = _infer(aws), _infer(changed)

    assert before.keys() == after.keys()  # the function is updated in place: it is the same one
    (was,), (now,) = before.values(), after.values()
    assert {key for key in now["Properties"] if now["Properties"][key] != was["Properties"][key]} == {
        "Code",
        "Environment",
        "MemorySize",
        "Timeout",
    }
    assert _of(changed, *_DECIDES_TRAFFIC) == _of(aws, *_DECIDES_TRAFFIC)


def test_nothing_that_changes_is_said_where_traffic_is_decided(aws: Assembly) -> None:
    """Version and alias name the function and each other; no weight, no digest, no setting."""
    of = _of(aws, *_DECIDES_TRAFFIC)
    (version_id, version), (_, alias) = sorted(of.items(), key=lambda item: item[1]["Type"], reverse=True)
    (function_id,) = _infer(aws)

    assert version["Properties"] == {
        "FunctionName": {"Ref": function_id},
        "Description": "Nothing has been released yet.",
    }
    assert version["DeletionPolicy"] == "Retain"
    assert alias["Properties"] == {
        "Name": "live",
        "FunctionName": {"Ref": function_id},
        "FunctionVersion": {"Fn::GetAtt": [version_id, "Version"]},
    }


def test_the_routes_ask_the_alias(aws: Assembly) -> None:
    """Requests reach what rollouts decided, never `$LATEST`; those that name a version, the function for that."""
    (alias_id,) = _of(aws, "AWS::Lambda::Alias")
    found = _of(aws, "AWS::ApiGatewayV2::Integration").values()
    asked = {json.dumps(integration["Properties"]["IntegrationUri"]) for integration in found}

    assert json.dumps({"Ref": alias_id}) in asked
    assert [uri for uri in asked - {json.dumps({"Ref": alias_id})} if "InferVersion" not in uri] == []
    assert {integration["Properties"]["PayloadFormatVersion"] for integration in found} == {"2.0"}
