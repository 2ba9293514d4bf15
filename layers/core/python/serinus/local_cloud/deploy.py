"""Deploying a cloud assembly to the local cloud, without the CDK's command line: seconds instead of half a minute.

Uploads the assets that are not there yet, then creates or updates one stack after another, as ``cdk deploy`` would.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from serinus.local_cloud.assembly import Asset, Stack, read_assembly
from serinus.local_cloud.errors import AssemblyUnreadable, StackFailed
from serinus.local_cloud.process import ACCOUNT_ID, REGION, SECRET_KEY
from serinus.local_cloud.synthesis import synthesise

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_s3.client import S3Client

__all__ = ["deploy", "synthesise"]

Progress = Callable[[str], None]

_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
_BOOTSTRAP_VERSION = "30"
_TEMPLATE_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT_ID}-{REGION}"
_POLL_SECONDS = 0.1
_API_URL = re.compile(r"https?://(?P<api>\w+)\.execute-api\.[\w.:-]+(?P<path>/.*)?")
_CREATABLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


def deploy(assembly_dir: Path, endpoint_url: str, progress: Progress | None = None) -> dict[str, dict[str, str]]:
    """Deploy every stack of an assembly; what is deployed unchanged is left as it is.

    Args:
        assembly_dir: what :func:`synthesise` wrote.
        endpoint_url: the local cloud's.
        progress: told, in a short sentence, what is being done.

    Returns:
        The outputs of every stack, by stack and output key.

    Raises:
        AssemblyUnreadable: the directory is no assembly.
        StackFailed: with the reason of every resource that failed.
    """
    tell = progress or (lambda _: None)
    target = _Target.at(endpoint_url, assembly_dir)
    stacks = read_assembly(assembly_dir)
    target.bootstrap()
    assets = {(asset.bucket, asset.key): asset for stack in stacks for asset in stack.assets}
    for number, asset in enumerate(assets.values(), start=1):
        tell(f"uploading asset {number} of {len(assets)}")
        target.upload(asset)
    outputs: dict[str, dict[str, str]] = {}
    for stack in stacks:
        tell(f"deploying {stack.name}")
        outputs[stack.name] = target.bring_up(stack)
    return outputs


def reachable(value: str, endpoint_url: str) -> str:
    """The address at which the local cloud serves an HTTP API's default stage; any other value unchanged.

    The stage's name is left out: curl signs paths as they are and not encoded, so a `$` in one fails its signatures.

    >>> reachable("https://ab12cd34.execute-api.us-east-1.amazonaws.com/predict", "http://127.0.0.1:4577")
    'http://127.0.0.1:4577/_aws/execute-api/ab12cd34/predict'
    """
    found = _API_URL.fullmatch(value)
    if found is None:
        return value
    return f"{endpoint_url}/_aws/execute-api/{found['api']}{found['path'] or ''}"


def deployed_urls(endpoint_url: str) -> dict[str, str]:
    """The addresses that deployed stacks put out, by stack and output key: outputs whose key ends in ``Url``."""
    target = _Target.at(endpoint_url, Path())
    return {
        f"{stack['StackName']}.{output['OutputKey']}": reachable(output["OutputValue"], endpoint_url)
        for stack in target.cloudformation.describe_stacks()["Stacks"]
        for output in stack.get("Outputs", [])
        if output["OutputKey"].endswith("Url")
    }


@dataclass(frozen=True)
class _Target:
    """The local cloud that is deployed to."""

    cloudformation: CloudFormationClient
    s3: S3Client
    ssm: Any  # the three calls that the bootstrap needs are not worth a stub
    endpoint_url: str
    assembly_dir: Path

    @classmethod
    def at(cls, endpoint_url: str, assembly_dir: Path) -> _Target:
        session = boto3.Session(aws_access_key_id=ACCOUNT_ID, aws_secret_access_key=SECRET_KEY, region_name=REGION)
        config = Config(retries={"mode": "standard", "max_attempts": 3}, s3={"addressing_style": "path"})

        def client(service: str) -> Any:  # noqa: ANN401 - one factory for clients of three types
            return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload] # the service is a variable here

        return cls(client("cloudformation"), client("s3"), client("ssm"), endpoint_url, assembly_dir)

    def bootstrap(self) -> None:
        """What ``cdk bootstrap`` leaves behind that a template looks at: the version of the bootstrap stack."""
        self.ssm.put_parameter(Name=_BOOTSTRAP_PARAMETER, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True)

    def upload(self, asset: Asset) -> None:
        """Put an asset where the templates expect it, unless it is there: its key names its content."""
        with contextlib.suppress(ClientError):
            self.s3.head_object(Bucket=asset.bucket, Key=asset.key)
            return
        if not asset.source.exists():
            raise AssemblyUnreadable(self.assembly_dir, f"its asset {asset.source.name} is missing")
        self.s3.create_bucket(Bucket=asset.bucket)
        self.s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=asset.body())

    def bring_up(self, stack: Stack) -> dict[str, str]:
        """Create the stack, update it where its template changed, and return its outputs."""
        template = stack.template_path.read_text()
        existing = self.describe(stack.name)
        if existing is not None and existing["StackStatus"] in _CREATABLE:
            self.cloudformation.delete_stack(StackName=stack.name)
            self.wait(stack.name)
            existing = None
        arguments: dict[str, Any] = {
            "StackName": stack.name,
            "TemplateURL": self.published(template),
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        if existing is None:
            self.cloudformation.create_stack(**arguments)
        elif not self.has_template(stack.name, template):
            self.update(arguments)
        described = self.wait(stack.name)
        if described is None or described["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise StackFailed(stack.name, (described or {}).get("StackStatus", "missing"), self.reasons(stack.name))
        return {
            output["OutputKey"]: reachable(output["OutputValue"], self.endpoint_url)
            for output in described.get("Outputs", [])
        }

    def published(self, template: str) -> str:
        """The address of a template in the bucket: in the request itself it may have 51 200 bytes at most."""
        body = template.encode()
        key = f"templates/{hashlib.sha256(body).hexdigest()}.json"
        self.s3.create_bucket(Bucket=_TEMPLATE_BUCKET)
        self.s3.put_object(Bucket=_TEMPLATE_BUCKET, Key=key, Body=body)
        return f"{self.endpoint_url}/{_TEMPLATE_BUCKET}/{key}"

    def update(self, arguments: Mapping[str, Any]) -> None:
        try:
            self.cloudformation.update_stack(**arguments)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise

    def describe(self, name: str) -> Mapping[str, Any] | None:
        try:
            return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def has_template(self, name: str, template: str) -> bool:
        deployed: Any = self.cloudformation.get_template(StackName=name)["TemplateBody"]
        if isinstance(deployed, str):
            deployed = json.loads(deployed)
        return bool(deployed == json.loads(template))

    def wait(self, name: str) -> Mapping[str, Any] | None:
        while (described := self.describe(name)) is not None:
            if not described["StackStatus"].endswith("_IN_PROGRESS"):
                return described
            time.sleep(_POLL_SECONDS)
        return None

    def reasons(self, name: str) -> dict[str, str]:
        """Why resources of the stack failed, the first cause first."""
        events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in reversed(events) if event.get("ResourceStatus", "").endswith("_FAILED")]
        return {
            event.get("LogicalResourceId", name): event.get("ResourceStatusReason", "no reason given")
            for event in failed
        }
