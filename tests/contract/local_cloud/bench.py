"""What the contract tests share: clients of the local cloud, and functions made from a few lines of code."""

from __future__ import annotations

import io
import json
import textwrap
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2.client import ApiGatewayV2Client
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_stepfunctions.client import SFNClient

Found = TypeVar("Found")

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/contract"
VERSION_HANDLER = """
    import os

    def handler(event, context):
        return {"version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"], "arn": context.invoked_function_arn}
"""


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def zipped(files: dict[str, str]) -> bytes:
    """A zip archive of text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
    return buffer.getvalue()


def eventually(look: Callable[[], Found | None], seconds: float = 15.0) -> Found:
    """What ``look`` finds, once it finds something true; fails after a while."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing was found in {seconds:g} s: {found!r}"
        time.sleep(0.1)


class Bench:
    """Clients of one local cloud."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=REGION)
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32, s3={"addressing_style": "path"})

        def client(service: str) -> Any:  # noqa: ANN401 - clients of twelve types
            return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload] # the service is a variable here

        self.functions: LambdaClient = client("lambda")
        self.http: ApiGatewayV2Client = client("apigatewayv2")
        self.stacks: CloudFormationClient = client("cloudformation")
        self.metrics: CloudWatchClient = client("cloudwatch")
        self.tables: DynamoDBClient = client("dynamodb")
        self.events: EventBridgeClient = client("events")
        self.keys: KMSClient = client("kms")
        self.logs: CloudWatchLogsClient = client("logs")
        self.buckets: S3Client = client("s3")
        self.queues: SQSClient = client("sqs")
        self.parameters: SSMClient = client("ssm")
        self.machines: SFNClient = client("stepfunctions")

    def make_function(
        self,
        code: str,
        environment: dict[str, str] | None = None,
        *,
        json_logs: bool = False,
        timeout: int = 10,
    ) -> str:
        """Create a function and wait until it can be used; returns its name."""
        name = unique("fn")
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler="index.handler",
            Timeout=timeout,
            Code={"ZipFile": zipped({"index.py": code})},
            Environment={"Variables": environment or {}},
            LoggingConfig={"LogFormat": "JSON" if json_logs else "Text"},
        )
        self.settle(name)
        return name

    def settle(self, name: str) -> None:
        """Wait until no update of the function is in progress."""
        eventually(
            lambda: self.functions.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful"
        )

    def set_environment(self, name: str, **environment: str) -> None:
        """Give the function another environment, and wait until it has it."""
        self.functions.update_function_configuration(FunctionName=name, Environment={"Variables": environment})
        self.settle(name)

    def publish(self, name: str) -> str:
        """Publish a version; returns its number."""
        return self.functions.publish_version(FunctionName=name)["Version"]

    def two_versions(self, code: str = VERSION_HANDLER) -> str:
        """A function with two published versions; returns its name."""
        name = self.make_function(code, {"WHICH": "first"})
        assert self.publish(name) == "1"
        self.set_environment(name, WHICH="second")
        assert self.publish(name) == "2"
        return name

    def weighted_alias(self, name: str, weight: float) -> str:
        """An alias `live` on version 1 that sends a share to version 2; returns its ARN."""
        return self.functions.create_alias(
            FunctionName=name,
            Name="live",
            FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": {"2": weight}},
        )["AliasArn"]

    def invoke(self, name: str, event: object = None, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Invoke a function and return its payload."""
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event), **options)
        return json.loads(answer["Payload"].read())

    def log_lines(self, name: str) -> list[tuple[str, str]]:
        """Every line of a function's log, with its stream."""
        events = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [(event["logStreamName"], event["message"]) for event in events]

    def make_queue(self) -> tuple[str, str]:
        """A queue's URL and ARN."""
        name = unique("queue")
        url = self.queues.create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def message_in(self, queue_url: str, seconds: float = 15.0) -> Any:  # noqa: ANN401 - JSON
        """The body of the next message of a queue."""

        def look() -> str | None:
            messages = self.queues.receive_message(QueueUrl=queue_url).get("Messages", [])
            return messages[0]["Body"] if messages else None

        return json.loads(eventually(look, seconds))

    def forward_events(self, pattern: dict[str, Any]) -> str:
        """A queue that receives the default bus's events of a pattern; returns its URL."""
        url, arn = self.make_queue()
        rule = unique("rule")
        self.events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def post(self, url: str, body: bytes = b"") -> Any:  # noqa: ANN401 - JSON
        """Send text to an address of this cloud; returns what its JSON says, raises HTTPError on an error."""
        assert url.startswith(self.endpoint_url)
        request = urllib.request.Request(url, body, {"content-type": "text/plain"}, method="POST")  # noqa: S310 - checked above
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())

    def make_http_api(self, target_arn: str, *route_keys: str) -> str:
        """An HTTP API that sends everything, or what route keys name, to a function; returns its URL."""
        api = self.http.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
        integration = self.http.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=target_arn,
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for route_key in route_keys or ("POST /{proxy+}",):
            self.http.create_route(ApiId=api, RouteKey=route_key, Target=f"integrations/{integration}")
        self.http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        return f"{self.endpoint_url}/_aws/execute-api/{api}/$default"

    def run_machine(self, definition: dict[str, Any], event: object, seconds: float = 60.0) -> Any:  # noqa: ANN401 - JSON
        """Run a JSONata state machine to its end; returns its output, or fails with its cause."""
        arn = self.make_machine(definition)
        execution = self.machines.start_execution(stateMachineArn=arn, input=json.dumps(event))["executionArn"]

        def ended() -> dict[str, Any] | None:
            found: Any = self.machines.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        found = eventually(ended, seconds)
        assert found["status"] == "SUCCEEDED", found
        return json.loads(found["output"])

    def make_machine(self, definition: dict[str, Any]) -> str:
        """A state machine; returns its ARN."""
        return self.machines.create_state_machine(
            name=unique("machine"),
            definition=json.dumps({"QueryLanguage": "JSONata"} | definition),
            roleArn=ROLE,
        )["stateMachineArn"]
