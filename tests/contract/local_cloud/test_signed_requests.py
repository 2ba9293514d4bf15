"""Routes with IAM authorisation: who passes, and what the function behind is told of them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from serinus.local_cloud.deploy import reachable
from tests.contract.local_cloud.bench import ACCOUNT, REGION, Bench, unique

pytestmark = pytest.mark.e2e

ROOT = Credentials(ACCOUNT, "local")
TARGET = """
    def handler(event, context):
        return {"statusCode": 200, "body": __import__("json").dumps(event["requestContext"].get("authorizer"))}
"""


@dataclass(frozen=True)
class Guarded:
    """An HTTP API with the route `/signed/…` by IAM and `/open/…` by nothing."""

    url: str

    def ask(
        self,
        credentials: Credentials | None,
        path: str = "/signed/a%20b",
        *,
        signed: bytes = b"{}",
        sent: bytes = b"{}",
        replaced: Mapping[str, str] | None = None,
        signer: type[SigV4Auth] = SigV4Auth,
    ) -> tuple[int, Any]:
        """Return the status and the body; `sent` and `replaced` are sent in place of what was signed."""
        request = AWSRequest("POST", self.url + path, data=signed, headers={"content-type": "application/json"})
        if credentials is not None:
            signer(credentials, "execute-api", REGION).add_auth(request)
        told = {**dict(request.headers.items()), **(replaced or {})}
        asking = urllib.request.Request(self.url + path, sent, told, method="POST")  # noqa: S310 - the local cloud's
        try:
            with urllib.request.urlopen(asking, timeout=30) as answer:  # noqa: S310 - as above
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def api(bench: Bench) -> Guarded:
    """Such an API."""
    made = bench.http.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
    target = bench.functions.get_function(FunctionName=bench.make_function(TARGET))["Configuration"]["FunctionArn"]
    integration = bench.http.create_integration(
        ApiId=made, IntegrationType="AWS_PROXY", IntegrationUri=target, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    for path, kind in (("signed", "AWS_IAM"), ("open", "NONE")):
        bench.http.create_route(
            ApiId=made,
            RouteKey=f"POST /{path}/{{proxy+}}",
            Target=f"integrations/{integration}",
            AuthorizationType=kind,  # type: ignore[arg-type]  # literals
        )
    bench.http.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    return Guarded(reachable(f"https://{made}.execute-api.{REGION}.amazonaws.com", bench.endpoint_url))


@pytest.fixture(scope="module")
def anna(bench: Bench) -> Credentials:
    """A user with a key of her own."""
    users = boto3.client(
        "iam",
        endpoint_url=bench.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )
    users.create_user(UserName="anna")
    key = users.create_access_key(UserName="anna")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def test_the_function_is_told_who_signed(api: Guarded, anna: Credentials) -> None:
    """The account's root, or the user whose key it is."""
    status, told = api.ask(ROOT)
    assert (status, told["iam"]["userArn"]) == (200, f"arn:aws:iam::{ACCOUNT}:root")
    status, told = api.ask(anna)
    assert status == 200
    assert told["iam"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/anna"
    assert (told["iam"]["accountId"], told["iam"]["accessKey"]) == (ACCOUNT, anna.access_key)


def test_what_signs_paths_as_they_are_passes(api: Guarded) -> None:
    """As curl does, which encodes nothing of them: an API's address has nothing in it that would need to be."""

    class AsTheyAre(SigV4Auth):
        def _normalize_url_path(self, path: str) -> str:
            return path

    assert api.ask(ROOT, "/signed/x", signer=AsTheyAre)[0] == 200


def test_nobody_passes_unsigned(api: Guarded) -> None:
    """Nor with a header that is no signature."""
    assert api.ask(None) == (403, {"message": "Forbidden"})
    assert api.ask(None, replaced={"authorization": "Bearer 1234"})[0] == 403
    assert api.ask(None, replaced={"authorization": "AWS4-HMAC-SHA256 nonsense"})[0] == 403


def test_a_key_that_nobody_has_does_not_pass(api: Guarded) -> None:
    """Whatever the secret."""
    assert api.ask(Credentials("AKIAIOSFODNN7EXAMPLE", "local"))[0] == 403


def test_the_right_key_with_the_wrong_secret_does_not_pass(api: Guarded, anna: Credentials) -> None:
    """So nobody signs in another's name."""
    assert api.ask(Credentials(anna.access_key, "guessed"))[0] == 403
    assert api.ask(Credentials(ACCOUNT, "guessed"))[0] == 403


def test_a_signature_is_for_one_body_and_for_now(api: Guarded) -> None:
    """What was tampered with does not pass, and what was overheard long ago neither."""
    assert api.ask(ROOT, signed=b"{}", sent=b'{"force": true}')[0] == 403
    assert api.ask(ROOT, replaced={"X-Amz-Date": "20200101T000000Z"})[0] == 403


def test_other_routes_are_left_alone(api: Guarded) -> None:
    """Where nothing is asked for, nothing is checked."""
    assert api.ask(None, "/open/x") == (200, None)
