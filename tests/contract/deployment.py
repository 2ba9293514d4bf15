"""What the stacks deploy, as far as an adapter needs it, made in moto."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict

from moto.iam.models import iam_backends

from serinus import settings
from serinus.adapters.aws.clients import Clients
from serinus.adapters.aws.objects import S3Objects
from serinus.domain.composition import Runtime
from tests.contract.builders import FRAUD

TABLE = "serinus"
ACCOUNT = "123456789012"  # moto's
CODE_KEY = "code/infer.zip"


def code_zip(source: str = "def handler(event, context): return {'statusCode': 503}") -> bytes:
    """Return a deployment package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), source)
    return buffer.getvalue()


def make_table(clients: Clients) -> None:
    """Make the table of the foundation stack."""
    clients.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )


def make_function(clients: Clients) -> None:
    """Deploy the function and the alias as the endpoint's stack does: at a version that answers 503."""
    role = iam_backends[ACCOUNT]["aws"].create_role("infer", "{}", "/", None, "", [], "3600")
    function = settings.inference_function_name(FRAUD)
    clients.functions.create_function(
        FunctionName=function,
        Runtime="python3.13",
        Handler="handler.handler",
        Role=role.arn,
        Code={"ZipFile": code_zip()},
        Publish=True,
    )
    clients.functions.create_alias(FunctionName=function, Name=settings.LIVE_ALIAS, FunctionVersion="1")


def make_runtime(clients: Clients, objects: S3Objects) -> None:
    """Say what a release is made of, as the endpoint's stack does."""
    objects.put(CODE_KEY, code_zip("def handler(event, context): ..."))
    base = clients.functions.publish_layer_version(LayerName="core", Content={"ZipFile": code_zip()})
    write_runtime(clients, a_runtime(objects.bucket, base["LayerVersionArn"]))


def a_runtime(bucket: str, layer: str = "arn:aws:lambda:us-east-1:123456789012:layer:core:1") -> Runtime:
    """Return what serves besides the model."""
    environment = {"PYTHONUTF8": "1", "SERINUS_LOG_SHARE": "0.1"}
    return Runtime(bucket, CODE_KEY, "handler.handler", "python3.13", "x86_64", (layer,), 512, 5, environment)


def write_runtime(clients: Clients, runtime: Runtime) -> None:
    """Write the parameter that an endpoint's stack writes."""
    name = settings.runtime_parameter(FRAUD)
    clients.ssm.put_parameter(Name=name, Value=json.dumps(asdict(runtime)), Type="String", Overwrite=True)


def make_key(clients: Clients) -> str:
    """Make a signing key."""
    return clients.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
