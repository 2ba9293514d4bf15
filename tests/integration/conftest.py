"""Every function, imported with its environment set, in an account of moto's."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import lambda_simple_backends

from serinus import settings, wiring
from serinus.adapters.aws.documents import DynamoDocuments
from serinus.adapters.aws.objects import S3Objects
from serinus.adapters.aws.traffic import LambdaTraffic
from serinus.adapters.schemas.manifest import write_manifest
from serinus.adapters.schemas.policy import policy_json
from serinus.adapters.tables.arrow import ArrowTables
from serinus.domain.model_version import Holdout, Manifest
from serinus.domain.policy import Retraining
from serinus.domain.table import Table
from tests.builders import a_holdout, a_policy
from tests.models import logistic_model

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef, PutEventsRequestTypeDef

Handler = Callable[[dict[str, Any], object], dict[str, Any]]

EVENTS = Path(__file__).parents[2] / "events"
ACCOUNT, REGION = "123456789012", "us-east-1"
KEY = "alias/serinus-signing"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "SERINUS_TABLE_NAME": "serinus",
    "SERINUS_ARTIFACTS_BUCKET": "artifacts",
    "SERINUS_DATA_BUCKET": "data",
    "SERINUS_LEDGER_BUCKET": "ledger",
    "SERINUS_EVENT_BUS_NAME": "serinus",
    "SERINUS_SIGNING_KEY_ID": KEY,
    "SERINUS_ROLLOUT_MACHINE_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:serinus-rollout",
}
COLUMNS = ("amount", "age")


class Account:
    """An account with the endpoint `fraud` deployed, its alias at version 1, and the functions in it."""

    def __init__(self) -> None:
        self.clients = wiring._clients()
        self._sent: list[PutEventsRequestEntryTypeDef] = []
        self._make_foundation()
        self._make_endpoint()
        self.documents = DynamoDocuments(self.clients.dynamodb, "serinus")
        self.artifacts = S3Objects(self.clients.s3, "artifacts")
        self.data = S3Objects(self.clients.s3, "data")
        self.traffic = LambdaTraffic(self.clients.functions)

    def _make_foundation(self) -> None:
        self.clients.dynamodb.create_table(
            TableName="serinus",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        for bucket in ("artifacts", "data", "ledger"):
            self.clients.s3.create_bucket(Bucket=bucket)
        self.clients.events.create_event_bus(Name="serinus")
        key = self.clients.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        self.clients.kms.create_alias(AliasName=KEY, TargetKeyId=key)

    def _make_endpoint(self) -> None:
        policy = a_policy(retraining=Retraining(labels_wait_minutes=1_000_000))
        role = boto3.client("iam").create_role(RoleName="infer", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        function = settings.inference_function_name("fraud")
        self.clients.functions.create_function(
            FunctionName=function,
            Runtime="python3.13",
            Handler="handler.handler",
            Role=role,
            Code={"ZipFile": _code("503")},
            Publish=True,
        )
        self.clients.functions.create_alias(FunctionName=function, Name=settings.LIVE_ALIAS, FunctionVersion="1")
        self.clients.s3.put_object(Bucket="artifacts", Key="code/infer.zip", Body=_code("200"))
        core = self.clients.functions.publish_layer_version(LayerName="core", Content={"ZipFile": _code("core")})
        self.runtime = {
            "code_bucket": "artifacts",
            "code_key": "code/infer.zip",
            "handler": "handler.handler",
            "runtime": "python3.13",
            "architecture": "x86_64",
            "memory_mb": 1024,
            "timeout_seconds": 10,
            "layers": [core["LayerVersionArn"]],
            "environment": {},
        }
        parameters = {
            settings.policy_parameter("fraud"): policy_json(policy),
            settings.runtime_parameter("fraud"): json.dumps(self.runtime),
        }
        for name, value in parameters.items():
            self.clients.ssm.put_parameter(Name=name, Value=value, Type="String")
        self.clients.state_machines.create_state_machine(name="serinus-rollout", definition="{}", roleArn=role)

    def deploy(self, **changed: object) -> None:
        """Change the endpoint's runtime, as a deploy does."""
        value, name = json.dumps(self.runtime | changed), settings.runtime_parameter("fraud")
        self.clients.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def executions(self) -> list[dict[str, Any]]:
        """Return the input of every execution of the rollout machine, each with its ARN."""
        machines = self.clients.state_machines
        found = machines.list_executions(stateMachineArn=ENVIRONMENT["SERINUS_ROLLOUT_MACHINE_ARN"])["executions"]
        arns = [execution["executionArn"] for execution in found]
        return [
            {"execution": arn, **json.loads(machines.describe_execution(executionArn=arn)["input"])} for arn in arns
        ]

    def call(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke a function; what it answers must be JSON."""
        module = importlib.import_module(f"functions.{function}.handler")
        handler: Handler = module.handler
        answer: dict[str, Any] = json.loads(json.dumps(handler(dict(event), None)))
        return answer

    def upload(self, upload: str = "upload-1", *, weight: float = 1.0) -> None:
        """Upload a real ONNX model whose probability follows the amount."""
        model, signature = logistic_model(COLUMNS, weight)
        rows = a_holdout(500)
        centred = np.asarray(rows.columns["age"], dtype=np.float64) - 53.0
        holdout = ArrowTables().write(Table({**rows.columns, "age": centred / 1_000}))
        manifest = Manifest(
            "model.onnx",
            hashlib.sha256(model).hexdigest(),
            signature,
            Holdout("holdout.parquet", hashlib.sha256(holdout).hexdigest(), "class"),
            {"git": "0123abc"},
        )
        for name, body in (
            ("model.onnx", model),
            ("holdout.parquet", holdout),
            ("manifest.json", write_manifest(manifest)),
        ):
            self.artifacts.put(f"incoming/fraud/{upload}/{name}", body)

    def answers(self, status: int = 200) -> None:
        """Let the next invocation of a Lambda version answer so: moto runs no code."""
        answer = {"statusCode": status, "body": json.dumps({"outputs": []})}
        lambda_simple_backends[ACCOUNT][REGION].lambda_simple_results_queue.append(json.dumps(answer))

    def note_sent(self, params: PutEventsRequestTypeDef, **_: object) -> None:
        """Keep what is sent to the bus; heard from botocore, since a target in moto needs more packages."""
        self._sent += params["Entries"]

    def published(self) -> list[str]:
        """Return the names of the events that our rules would see: those on our bus, of our source."""
        ours = [entry for entry in self._sent if (entry["EventBusName"], entry["Source"]) == ("serinus", "serinus")]
        return [entry["DetailType"] for entry in ours]


def an_event(name: str) -> dict[str, Any]:
    """Return a sample event by `<function>/<case>`."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


@pytest.fixture(scope="session")
def environment() -> Iterator[None]:
    """What the stacks put into every function's environment; the modules read it when they are imported."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        wiring._clients.cache_clear()
        functions = wiring._clients().functions
        functions.meta.events.register("after-call.lambda.GetFunctionConfiguration", _with_revision)
        yield
        wiring._clients.cache_clear()


@pytest.fixture
def account(environment: None) -> Iterator[Account]:  # noqa: ARG001  # asked for its effect
    """A fresh account."""
    with mock_aws(config={"lambda": {"use_docker": False}}):
        account = Account()
        events = account.clients.events.meta.events
        events.register("provide-client-params.events.PutEvents", account.note_sent)
        yield account
        events.unregister("provide-client-params.events.PutEvents", account.note_sent)


def _code(answer: str) -> bytes:
    """Return a deployment package that no one runs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), f"ANSWER = {answer!r}")
    return buffer.getvalue()


def _with_revision(parsed: dict[str, object], **_: object) -> None:
    """Add the `RevisionId` that AWS gives every function configuration, and moto leaves out."""
    parsed["RevisionId"] = hashlib.sha256(json.dumps(parsed, default=str).encode()).hexdigest()
