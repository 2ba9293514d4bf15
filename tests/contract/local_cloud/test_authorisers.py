"""Authorisers of HTTP APIs: whom they let in, what is remembered of their answers, and how it is forgotten."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.contract.local_cloud.bench import ACCOUNT, REGION, Bench, unique

pytestmark = pytest.mark.e2e

TARGET = """
    def handler(event, context):
        return {"statusCode": 200, "body": __import__("json").dumps(event["requestContext"].get("authorizer"))}
"""
AUTHORISER = """
    asked = 0

    def handler(event, context):
        global asked
        asked += 1
        passes = event["headers"]["authorization"] == "Bearer right"
        return {"isAuthorized": passes, "context": {"asked": asked, "route": event["routeKey"]}}
"""


@dataclass(frozen=True)
class Guarded:
    """An HTTP API whose routes `/one/…` and `/two/…` an authoriser guards."""

    bench: Bench
    api: str

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.bench.endpoint_url}/_aws/execute-api/{self.api}/$default"

    def ask(self, header: str | None, path: str = "/one/x") -> tuple[int, Any]:
        """Return the status, and what the function behind was told of the caller."""
        headers = {} if header is None else {"authorization": header}
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - the local cloud's
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code, None


def guarded(bench: Bench, kind: str, **authoriser: Any) -> Guarded:  # noqa: ANN401 - boto3's arguments
    """Make an API whose two routes are guarded."""
    api = bench.http.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
    target = bench.functions.get_function(FunctionName=bench.make_function(TARGET))["Configuration"]["FunctionArn"]
    integration = bench.http.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=target, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    made = bench.http.create_authorizer(ApiId=api, Name=unique("authoriser"), **authoriser)["AuthorizerId"]
    for path in ("one", "two"):
        bench.http.create_route(
            ApiId=api,
            RouteKey=f"ANY /{path}/{{proxy+}}",
            Target=f"integrations/{integration}",
            AuthorizationType=kind,  # type: ignore[arg-type]  # a literal at both callers
            AuthorizerId=made,
        )
    bench.http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return Guarded(bench, api)


def by_function(bench: Bench, *identity: str, remembered_seconds: int = 300) -> Guarded:
    """Make an API guarded by a function, as the stacks make it."""
    name = bench.make_function(AUTHORISER)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return guarded(
        bench,
        "CUSTOM",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        AuthorizerResultTtlInSeconds=remembered_seconds,
        IdentitySource=["$request.header.Authorization", *identity],
    )


def test_a_function_lets_in_whom_it_names(bench: Bench) -> None:
    """Nothing shown is 401 unasked, the wrong thing 403; the function behind is told the context."""
    api = by_function(bench, "$context.routeKey")
    assert api.ask(None)[0] == 401
    assert api.ask("Bearer wrong")[0] == 403
    status, told = api.ask("Bearer right")
    assert status == 200
    assert told["lambda"]["route"] == "ANY /one/{proxy+}"


def test_an_answer_is_remembered_for_its_route(bench: Bench) -> None:
    """With the route among the identity sources, what was remembered of one route says nothing of another."""
    api = by_function(bench, "$context.routeKey")
    asked = [api.ask("Bearer right", path)[1]["lambda"]["asked"] for path in ("/one/x", "/one/y", "/two/x", "/two/y")]
    assert asked == [1, 1, 2, 2]


def test_without_the_route_an_answer_holds_for_all(bench: Bench) -> None:
    """On AWS too: this is why the stacks name the route."""
    api = by_function(bench)
    routes = [api.ask("Bearer right", path)[1]["lambda"]["route"] for path in ("/one/x", "/two/x")]
    assert routes == ["ANY /one/{proxy+}"] * 2


def test_nothing_is_remembered_for_no_time(bench: Bench) -> None:
    """Every call is asked about."""
    api = by_function(bench, remembered_seconds=0)
    assert [api.ask("Bearer right")[1]["lambda"]["asked"] for _ in range(3)] == [1, 2, 3]


def test_what_is_remembered_can_be_forgotten(bench: Bench) -> None:
    """The stage stays, and another API's memory too."""
    api, other = by_function(bench), by_function(bench)
    for each in (api, other):
        each.ask("Bearer right")
    bench.http.reset_authorizers_cache(ApiId=api.api, StageName="$default")
    assert [each.ask("Bearer right")[1]["lambda"]["asked"] for each in (api, other)] == [2, 1]
    assert bench.http.get_stage(ApiId=api.api, StageName="$default")["StageName"] == "$default"
    with pytest.raises(ClientError, match="NotFoundException"):
        bench.http.reset_authorizers_cache(ApiId=api.api, StageName="another")


class Issuer:
    """An issuer of JSON Web Tokens on this machine."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        numbers = self._key.public_key().public_numbers()
        keys = {
            "keys": [{"kid": "k", "kty": "RSA", "alg": "RS256", "n": _number(numbers.n), "e": _number(numbers.e)}]
        }

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = {"/keys": keys, "/.well-known/openid-configuration": {"jwks_uri": f"{issuer}/keys"}}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(found[self.path]).encode())

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def token(self, **claims: object) -> str:
        """Return a signed token that is good for a minute, with these claims."""
        now = int(time.time())
        body = {"iss": self.url, "aud": "fraud", "iat": now - 1, "exp": now + 60, "scope": "predict", **claims}
        signed = b".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "k"}, body))
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return f"Bearer {(signed + b'.' + _base64(signature)).decode()}"


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _number(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer."""
    made = Issuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def by_jwt(bench: Bench, issuer: Issuer) -> Guarded:
    """An API that takes the issuer's tokens for one audience."""
    return guarded(
        bench,
        "JWT",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer.url, "Audience": ["fraud"]},
    )


def test_a_token_of_the_issuer_is_let_in(by_jwt: Guarded, issuer: Issuer) -> None:
    """The function behind is told its claims."""
    status, told = by_jwt.ask(issuer.token(sub="anna"))
    assert status == 200
    assert told["jwt"]["claims"]["sub"] == "anna"


@pytest.mark.parametrize(
    "claims", [{"aud": "churn"}, {"iss": "https://elsewhere.example.com"}, {"exp": 1}, {"nbf": 4_000_000_000}]
)
def test_a_token_that_does_not_hold_is_turned_away(
    by_jwt: Guarded, issuer: Issuer, claims: dict[str, object]
) -> None:
    """Another audience, another issuer, over, or not yet good."""
    assert by_jwt.ask(issuer.token(**claims))[0] == 401


def test_a_token_that_was_tampered_with_is_turned_away(by_jwt: Guarded, issuer: Issuer) -> None:
    """Its signature no longer fits; nor does none at all."""
    head, body, signature = issuer.token(aud="churn").split(".")
    changed = _base64(base64.urlsafe_b64decode(body + "==").replace(b"churn", b"fraud")).decode()
    assert by_jwt.ask(f"{head}.{changed}.{signature}")[0] == 401
    assert by_jwt.ask(f"{head}.{changed}.")[0] == 401
    assert by_jwt.ask(None)[0] == 401
