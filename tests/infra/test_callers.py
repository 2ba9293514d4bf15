"""Who may call an endpoint: what each kind of authorisation turns into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serinus.settings import function_name
from serinus.use_cases.keep_tokens import DECISIONS_LAST
from tests.infra.assembly import OPEN, Assembly, Json, Resource, a_policy, listed, synthesise

_ISSUER, _AUDIENCE = "https://login.example.com/tenant", ["fraud-callers"]
_SERVING: dict[str, Json] = {
    "by-iam": {"authorisation": "iam"},
    "by-jwt": {
        "authorisation": "jwt",
        "jwt": {"issuer": _ISSUER, "audience": _AUDIENCE, "scopes": ["predict"]},
    },
    "by-token": {"authorisation": "token"},
    "by-counted-token": {"authorisation": "token", "throttle_callers": True},
    "by-nothing": OPEN,
}


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory, layers: Path) -> Assembly:
    """A synth with one endpoint of each kind; cdk-nag has nothing against it."""
    policies = [a_policy(name, serving=serving) for name, serving in _SERVING.items()]
    return synthesise(tmp_path_factory.mktemp("callers"), layers=layers, policies=policies)


def _routes(assembly: Assembly, endpoint: str) -> list[Json]:
    routes = assembly.resources("AWS::ApiGatewayV2::Route")
    return [route.properties for route in routes if route.stack == f"SerinusEndpoint-{endpoint}"]


def _authorisers(assembly: Assembly) -> dict[str, Resource]:
    return {found.properties["Name"]: found for found in assembly.resources("AWS::ApiGatewayV2::Authorizer")}


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [
        ("by-iam", "AWS_IAM"),
        ("by-jwt", "JWT"),
        ("by-token", "CUSTOM"),
        ("by-counted-token", "CUSTOM"),
        ("by-nothing", "NONE"),
    ],
)
def test_every_route_of_an_endpoint_is_authorised_alike(callers: Assembly, endpoint: str, kind: str) -> None:
    """No path leads around what the policy says."""
    routes = _routes(callers, endpoint)
    assert len(routes) > 1
    assert {route["AuthorizationType"] for route in routes} == {kind}
    assert len({json.dumps(route.get("AuthorizerId")) for route in routes}) == 1
    assert all(("AuthorizerId" in route) is (kind in {"JWT", "CUSTOM"}) for route in routes)


def test_the_token_of_the_policys_issuer_is_asked_for(callers: Assembly) -> None:
    """Issuer, audience and scopes are the policy's; the authoriser comes and goes with the endpoint."""
    (jwt,) = (found for found in _authorisers(callers).values() if found.properties["AuthorizerType"] == "JWT")
    assert jwt.stack == "SerinusEndpoint-by-jwt"
    assert jwt.properties["JwtConfiguration"] == {"Issuer": _ISSUER, "Audience": _AUDIENCE}
    assert jwt.properties["IdentitySource"] == ["$request.header.Authorization"]
    for route in _routes(callers, "by-jwt"):
        assert route["AuthorizationScopes"] == ["predict"]
        assert route["AuthorizerId"] == {"Ref": jwt.logical_id}


def test_what_is_remembered_of_a_token_holds_for_its_route_alone(callers: Assembly) -> None:
    """An answer remembered by the header alone would let a token of one endpoint into every other."""
    remembering = _authorisers(callers)["serinus-token"].properties
    assert remembering["AuthorizerResultTtlInSeconds"] == DECISIONS_LAST.seconds
    assert remembering["IdentitySource"] == ["$request.header.Authorization", "$context.routeKey"]
    for authoriser in (remembering, _authorisers(callers)["serinus-token-counting"].properties):
        assert authoriser["AuthorizerType"] == "REQUEST"
        assert authoriser["EnableSimpleResponses"] is True
        assert authoriser["AuthorizerPayloadFormatVersion"] == "2.0"
        assert "AuthoriseCaller" in json.dumps(authoriser["AuthorizerUri"])


def test_where_calls_are_counted_nothing_is_remembered(callers: Assembly) -> None:
    """A remembered answer is a call that was not counted."""
    assert _authorisers(callers)["serinus-token-counting"].properties["AuthorizerResultTtlInSeconds"] == 0
    chosen = {
        name: json.dumps(_routes(callers, name)[0]["AuthorizerId"]) for name in ("by-token", "by-counted-token")
    }
    assert "Remembering" in chosen["by-token"]
    assert "Counting" in chosen["by-counted-token"]


def test_endpoints_by_token_share_their_authorisers(callers: Assembly) -> None:
    """An API has ten authorisers by default; only those of JWT endpoints are their own."""
    own = {name for name, found in _authorisers(callers).items() if found.stack != "SerinusControlPlane"}
    assert len(own) == 1
    assert len(_authorisers(callers)) == 3


def test_the_authoriser_reads_by_key_and_counts(callers: Assembly) -> None:
    """What every caller reaches may list nothing, and write nothing but counts of calls."""
    statements = callers.statements(function_name("authorise_caller"))
    table = {
        statement["Action"]: statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for statement in statements
        if "dynamodb" in str(statement["Action"])
    }
    assert table == {"dynamodb:GetItem": ["endpoint#*"], "dynamodb:UpdateItem": ["calls#*"]}
    assert {action.split(":")[0] for found in statements for action in listed(found["Action"])} == {
        "dynamodb",
        "kms",
        "logs",
    }


def test_who_revokes_may_have_the_gateway_forget_and_no_more(callers: Assembly) -> None:
    """What a token was let in by is reset on the one stage; nothing else of the API can be deleted."""
    holders = {}
    for name in callers.functions():
        for statement in callers.statements(name):
            if "apigateway" in str(statement["Action"]):
                holders[name] = json.dumps(statement["Resource"])
                assert statement["Action"] == "apigateway:DELETE"
    assert set(holders) == {function_name("rotate_token"), function_name("revoke_token")}
    assert all(resource.endswith('/stages/$default/cache/authorizers"]]}') for resource in holders.values())


def test_only_the_apis_authorisers_may_invoke_it(callers: Assembly) -> None:
    """Each is let in by its own ARN."""
    sources = [
        json.dumps(permission.properties["SourceArn"])
        for permission in callers.resources("AWS::Lambda::Permission")
        if "AuthoriseCaller" in json.dumps(permission.properties["FunctionName"])
    ]
    assert len(sources) == 2
    assert all("/authorizers/" in source and "*" not in source for source in sources)


def test_the_access_log_names_the_token_and_never_its_secret(callers: Assembly) -> None:
    """Who called is told by id and name; the header is not logged."""
    (stage,) = (stage.properties for stage in callers.resources("AWS::ApiGatewayV2::Stage"))
    logged = stage["AccessLogSettings"]["Format"]
    assert "$context.authorizer.token" in logged
    assert "header" not in logged
    assert "identitySource" not in logged
