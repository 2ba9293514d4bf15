"""Deploying an assembly without the CDK's command line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from serinus.local_cloud.assembly import read_assembly, zip_directory
from serinus.local_cloud.deploy import deploy, deployed_urls
from serinus.local_cloud.errors import AssemblyUnreadable, NodeMissing, StackFailed, SynthesisFailed
from serinus.local_cloud.server import LocalCloud
from serinus.local_cloud.synthesis import synthesise
from tests.contract.local_cloud.bench import Bench, unique

pytestmark = pytest.mark.e2e

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
(out / "manifest.json").write_text(json.dumps({"artifacts": {}, "context": context}))
runs = pathlib.Path("runs")
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
"""


class AnAssembly:
    """A hand-written assembly of two stacks: a function with its code as an asset, and one that imports its name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = unique("Stack")
        self.function = unique("fn")
        code = directory / "asset.code"
        code.mkdir()
        (code / "handler.py").write_text("def handler(event, context):\n    return 'deployed'\n")
        destination = {"bucketName": BUCKET, "objectKey": f"{self.name}.zip"}
        file = {"source": {"path": "asset.code", "packaging": "zip"}, "destinations": {"here": destination}}
        self._write("First.assets.json", {"files": {"code": file}})
        self._write("Second.template.json", {"Resources": {"Parameter": self._parameter(self._import())}})
        self.write_first({})
        artifacts = {
            "Second": self._stack("Second", ["First"]),
            "First.assets": {"type": "cdk:asset-manifest", "properties": {"file": "First.assets.json"}},
            "First": self._stack("First", ["First.assets"]),
            "Tree": {"type": "cdk:tree", "properties": {}},
        }
        self._write("manifest.json", {"artifacts": artifacts})

    def write_first(self, more: dict[str, Any]) -> None:
        """Write the first stack's template, with more resources."""
        function = {
            "FunctionName": self.function,
            "Runtime": "python3.12",
            "Handler": "handler.handler",
            "Role": "arn:aws:iam::000000000000:role/x",
            "Code": {"S3Bucket": {"Fn::Sub": BUCKET}, "S3Key": f"{self.name}.zip"},
        }
        api = {"Name": self.name, "ProtocolType": "HTTP"}
        resources = {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": api},
        }
        outputs = {
            "Name": {"Value": {"Ref": "Function"}, "Export": {"Name": f"{self.name}:name"}},
            "ApiUrl": {"Value": {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/infer"}},
        }
        parameter = {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        }
        self._write(
            "First.template.json",
            {"Parameters": {"Bootstrap": parameter}, "Resources": resources | more, "Outputs": outputs},
        )

    def _import(self) -> dict[str, str]:
        return {"Fn::ImportValue": f"{self.name}:name"}

    def _parameter(self, value: object) -> dict[str, Any]:
        name = f"/{self.name}"
        return {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": name, "Type": "String", "Value": value},
        }

    def _stack(self, identifier: str, needed: list[str]) -> dict[str, Any]:
        properties = {"templateFile": f"{identifier}.template.json", "stackName": f"{self.name}-{identifier}"}
        return {"type": "aws:cloudformation:stack", "properties": properties, "dependencies": needed}

    def _write(self, name: str, content: object) -> None:
        (self.directory / name).write_text(json.dumps(content))


def test_deploys_in_order_and_again(cloud: LocalCloud, bench: Bench, tmp_path: Path) -> None:
    """Assets and stacks arrive, outputs come back reachable; unchanged it is a no-op, changed it is updated."""
    assembly = AnAssembly(tmp_path)
    told: list[str] = []
    outputs = deploy(tmp_path, cloud.endpoint_url, told.append)
    first, second = f"{assembly.name}-First", f"{assembly.name}-Second"
    assert list(outputs) == [first, second]
    assert told == ["uploading asset 1 of 1", f"deploying {first}", f"deploying {second}"]
    assert outputs[first]["Name"] == assembly.function
    url = outputs[first]["ApiUrl"]
    assert url.startswith(f"{cloud.endpoint_url}/_aws/execute-api/")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/_aws/execute-api/\w+/infer", url)
    assert deployed_urls(cloud.endpoint_url)[f"{first}.ApiUrl"] == url
    assert bench.invoke(assembly.function) == "deployed"

    updated = bench.stacks.describe_stacks(StackName=first)["Stacks"][0].get("LastUpdatedTime")
    assert deploy(tmp_path, cloud.endpoint_url) == outputs
    assert bench.stacks.describe_stacks(StackName=first)["Stacks"][0].get("LastUpdatedTime") == updated

    table = {
        "TableName": assembly.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    assembly.write_first({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}})
    deploy(tmp_path, cloud.endpoint_url)
    assert bench.tables.describe_table(TableName=assembly.name)["Table"]["TableStatus"] == "ACTIVE"
    status = bench.stacks.describe_stacks(StackName=first)["Stacks"][0]["StackStatus"]
    assert status == "UPDATE_COMPLETE"


def test_failure_says_why(cloud: LocalCloud, tmp_path: Path) -> None:
    """A stack that fails names the resource and the reason; put right, it deploys over the failure."""
    assembly = AnAssembly(tmp_path)
    alarm = {"Metrics": [{"Id": "e", "Expression": "1"}], "ComparisonOperator": "LessThanThreshold"}
    assembly.write_first({"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}})
    with pytest.raises(StackFailed, match=r"Alarm: .*metric math") as caught:
        deploy(tmp_path, cloud.endpoint_url)
    assert caught.value.stack == f"{assembly.name}-First"
    assembly.write_first({})
    assert f"{assembly.name}-First" in deploy(tmp_path, cloud.endpoint_url)


def test_what_is_no_assembly_is_refused(cloud: LocalCloud, tmp_path: Path) -> None:
    """Before anything is deployed."""
    with pytest.raises(AssemblyUnreadable, match=r"manifest\.json"):
        deploy(tmp_path, cloud.endpoint_url)


def test_circular_stacks_are_refused(tmp_path: Path) -> None:
    """Stacks that need each other cannot be ordered."""
    properties = {"templateFile": "x"}
    artifacts = {
        name: {"type": "aws:cloudformation:stack", "properties": properties, "dependencies": [other]}
        for name, other in (("A", "B"), ("B", "A"))
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    with pytest.raises(AssemblyUnreadable, match="circle"):
        read_assembly(tmp_path)


def test_zips_are_alike(tmp_path: Path) -> None:
    """The same content gives the same bytes, whatever its times and bytecode."""
    for name in ("one", "two"):
        directory = tmp_path / name
        (directory / "__pycache__").mkdir(parents=True)
        (directory / "__pycache__" / "x.pyc").write_bytes(name.encode())
        (directory / "a.py").write_text("1\n")
    assert zip_directory(tmp_path / "one") == zip_directory(tmp_path / "two")


def make_app(root: Path, text: str) -> Path:
    """A checkout with a CDK app of a few lines; returns where its assembly goes."""
    (root / "infra_cdk").mkdir()
    (root / "infra_cdk" / "app.py").write_text(text)
    return root / "out"


def test_synthesis_is_skipped_when_nothing_changed(tmp_path: Path) -> None:
    """The app runs again only when one of the files it may read has changed, or it is for AWS this time."""
    out = make_app(tmp_path, APP)
    for expected in ("x", "x"):
        synthesise(out, root=tmp_path)
        assert (tmp_path / "runs").read_text() == expected
    assert json.loads((out / "manifest.json").read_text())["context"] == {"serinus:local": True}
    (tmp_path / "infra_cdk" / "churn.toml").write_text("changed")
    synthesise(out, root=tmp_path)
    assert (tmp_path / "runs").read_text() == "xx"
    synthesise(out, root=tmp_path, local=False)
    assert json.loads((out / "manifest.json").read_text())["context"] == {}


def test_app_that_fails_shows_its_output(tmp_path: Path) -> None:
    """And leaves nothing that a later run would take for an assembly."""
    out = make_app(tmp_path, "raise SystemExit('no such endpoint')")
    for _ in range(2):
        with pytest.raises(SynthesisFailed, match="no such endpoint"):
            synthesise(out, root=tmp_path)


def test_missing_node_is_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the app is started, which would fail with a riddle."""
    out = make_app(tmp_path, APP)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeMissing, match="Node"):
        synthesise(out, root=tmp_path)
    assert not (tmp_path / "runs").exists()
