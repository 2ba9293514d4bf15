"""What an endpoint's policy turns into."""

from __future__ import annotations

import json

import pytest

from infra_cdk.constructs.prediction_log import ADMITTED
from serinus.adapters.schemas.policy import parse_policy
from serinus.domain.policy import Policy
from serinus.settings import CLIENT_PARAMETER, ClientSettings, policy_parameter, runtime_parameter
from tests.infra.assembly import Assembly, Json


def _one(assembly: Assembly, endpoint: str, kind: str) -> Json:
    (found,) = (
        resource.properties
        for resource in assembly.resources(kind)
        if resource.stack == f"SerinusEndpoint-{endpoint}"
        and resource.properties.get("FunctionName") != f"serinus-versions-{endpoint}"
    )
    return found


def _parameter(assembly: Assembly, name: str) -> Json:
    (found,) = (
        parameter.properties
        for parameter in assembly.resources("AWS::SSM::Parameter")
        if parameter.properties["Name"] == name
    )
    return found


_OPEN = {"fraud": "AWS_IAM", "open-house": "NONE"}


def _routes(assembly: Assembly, endpoint: str) -> dict[str, Json]:
    return {
        route.properties["RouteKey"]: route.properties
        for route in assembly.resources("AWS::ApiGatewayV2::Route")
        if route.stack == f"SerinusEndpoint-{endpoint}"
    }


@pytest.mark.parametrize(("endpoint", "authorisation"), _OPEN.items())
def test_a_route_lets_in_whom_the_policy_names(aws: Assembly, endpoint: str, authorisation: str) -> None:
    """Only an endpoint that says so is open, and then by every one of its paths."""
    model, server = f"ANY /v2/models/{endpoint}", f"ANY /models/{endpoint}"
    below = f"{server}/v2/models/{endpoint}"
    routes = _routes(aws, endpoint)

    assert set(routes) == {
        model,
        f"{model}/{{proxy+}}",
        f"{server}/{{proxy+}}",
        *(f"{base}/versions/{{version}}{rest}" for base in (model, below) for rest in ("", "/{proxy+}")),
    }
    assert {route["AuthorizationType"] for route in routes.values()} == {authorisation}


def test_a_version_is_asked_through_a_function_of_its_own(aws: Assembly) -> None:
    """What may ask versions may ask this endpoint's alone, and read of its documents alone."""
    own, key, table, invoke = aws.statements("serinus-versions-fraud")

    assert "CreateLogStream" in str(own["Action"])
    assert table["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["endpoint#fraud"]}}
    assert "kms:Decrypt" in key["Action"]
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert json.dumps(invoke["Resource"]).endswith(':function:serinus-endpoint-fraud:*"]]}')


def test_the_api_answers_for_itself(aws: Assembly) -> None:
    """Health and description are behind the default authorisation, and their function may do nothing."""
    routes = {
        route.properties["RouteKey"]: route.properties["AuthorizationType"]
        for route in aws.resources("AWS::ApiGatewayV2::Route")
        if route.stack == "SerinusControlPlane"
    }

    of_the_server = {key: authorisation for key, authorisation in routes.items() if "/v2" in key}
    assert of_the_server == {"ANY /v2": "AWS_IAM", "ANY /v2/{proxy+}": "AWS_IAM"}
    (own,) = aws.statements("serinus-describe-server")
    assert "CreateLogStream" in str(own["Action"])


def test_predictions_and_platform_events_are_collected(aws: Assembly) -> None:
    """The subscription admits records and the platform's word on each request, and no other line."""
    subscription = _one(aws, "fraud", "AWS::Logs::SubscriptionFilter")

    assert subscription["FilterPattern"] == ADMITTED
    assert all(admitted in ADMITTED for admitted in ("$.record.id", "platform.start", "platform.report"))
    assert "CollectPredictions" in json.dumps(subscription["DestinationArn"])


@pytest.mark.parametrize(
    ("function", "rate"),
    [
        ("DetectDrift", "rate(1 hour)"),
        ("EstimatePerformance", "rate(1 hour)"),
        ("ReviewPerformance", "rate(1 hour)"),
        ("CompactProfiles", "rate(1 hour)"),
        ("CompactLabels", "rate(1 hour)"),
        ("FollowDeployment", "rate(1 hour)"),
        ("PruneReleases", "rate(1 day)"),
    ],
)
def test_schedules_name_the_endpoint(aws: Assembly, function: str, rate: str) -> None:
    """Drift is looked for as often as the policy says, the rest is done at intervals of its own."""
    (rule,) = (
        resource.properties
        for resource in aws.resources("AWS::Events::Rule")
        if resource.stack == "SerinusEndpoint-fraud"
        and function in json.dumps(resource.properties["Targets"][0]["Arn"])
    )

    assert rule["ScheduleExpression"] == rate
    assert json.loads(rule["Targets"][0]["Input"]) == {"endpoint": "fraud"}


def test_the_stored_policy_is_the_one_declared(aws: Assembly, policies: tuple[Policy, ...]) -> None:
    """What the parameter holds reads back as the policy; a long one gets the room it needs."""
    for policy, tier in zip(policies, ("Standard", "Advanced"), strict=True):
        stored = _parameter(aws, policy_parameter(policy.endpoint))

        assert parse_policy(json.loads(stored["Value"]), source="parameter") == policy
        assert stored["Tier"] == tier


def test_only_releases_are_started_from_snapshots(aws: Assembly) -> None:
    """The policy asks for it; but the first version answers 503, and a snapshot of it would be charged for."""
    policy = json.loads(_parameter(aws, policy_parameter("fraud"))["Value"])
    function = _one(aws, "fraud", "AWS::Lambda::Function")

    assert policy["serving"]["snap_start"]
    assert "SnapStart" not in function
    assert function["Runtime"] >= "python3.12"  # the oldest that Lambda takes snapshots of


def test_the_stored_runtime_is_the_function_s(aws: Assembly) -> None:
    """A release is made of exactly what the endpoint's function is made of."""
    function = _one(aws, "fraud", "AWS::Lambda::Function")
    value = _parameter(aws, runtime_parameter("fraud"))["Value"]["Fn::Join"][1]
    runtime = json.loads(
        "".join(part if isinstance(part, str) else json.dumps(part).replace('"', "'") for part in value)
    )

    assert runtime["code_key"] == function["Code"]["S3Key"]
    assert runtime["handler"] == function["Handler"]
    assert runtime["runtime"] == function["Runtime"]
    assert [runtime["architecture"]] == function["Architectures"]
    assert runtime["memory_mb"] == function["MemorySize"]
    assert runtime["timeout_seconds"] == function["Timeout"]
    assert runtime["snap_start"]
    assert runtime["environment"] == function["Environment"]["Variables"]
    assert runtime["layers"] == [json.dumps(layer).replace('"', "'") for layer in function["Layers"]]


def test_clients_find_every_name_with_one_call(aws: Assembly) -> None:
    """One parameter holds what a client needs to know, under the names of its settings class."""
    value = _parameter(aws, CLIENT_PARAMETER)["Value"]["Fn::Join"][1]
    names = json.loads("".join(part if isinstance(part, str) else "a name" for part in value))

    assert set(names) == set(ClientSettings._fields)


def test_the_api_is_logged_and_throttled(aws: Assembly) -> None:
    """Every access leaves a line, and nobody can spend without bound."""
    (stage,) = (stage.properties for stage in aws.resources("AWS::ApiGatewayV2::Stage"))

    assert stage["AccessLogSettings"]["DestinationArn"]
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0


@pytest.mark.parametrize("cloud", ["aws", "local"])
def test_a_deploy_that_changes_what_serves_is_followed(cloud: str, request: pytest.FixtureRequest) -> None:
    """Policy, function and alias are there before the runtime is written, whose change calls the function."""
    assembly: Assembly = request.getfixturevalue(cloud)
    (rule,) = (
        rule.properties
        for rule in assembly.resources("AWS::Events::Rule")
        if rule.properties.get("EventPattern", {}).get("source") == ["aws.ssm"]
    )
    (runtime,) = (
        parameter
        for parameter in assembly.resources("AWS::SSM::Parameter")
        if parameter.properties["Name"] == runtime_parameter("fraud")
    )
    (policy,) = (
        parameter.logical_id
        for parameter in assembly.resources("AWS::SSM::Parameter")
        if parameter.properties["Name"] == policy_parameter("fraud")
    )
    (target,) = rule["Targets"]

    function = assembly.functions()["serinus-endpoint-fraud"].logical_id
    assert {policy, function} <= set(runtime.body["DependsOn"])
    assert any(name.startswith("LiveAlias") for name in runtime.body["DependsOn"])
    assert rule["EventPattern"]["detail"] == {
        "name": [{"wildcard": "/serinus/endpoints/*/runtime"}],
        "operation": ["Create", "Update"],
    }
    assert target["Arn"]["Fn::GetAtt"][0] == assembly.functions()["serinus-follow-deployment"].logical_id
    assert target["InputTransformer"]["InputPathsMap"] == {"detail-name": "$.detail.name"}
    assert target["InputTransformer"]["InputTemplate"] == '{"parameter":<detail-name>}'


def test_no_parameter_but_a_long_policy_outgrows_the_standard_tier(aws: Assembly) -> None:
    """A runtime, with every part of an ARN filled in, has room to spare in four kilobytes."""
    for parameter in aws.resources("AWS::SSM::Parameter"):
        if parameter.properties["Name"].endswith("/runtime"):
            parts = parameter.properties["Value"]["Fn::Join"][1]
            length = sum(len(part) if isinstance(part, str) else 150 for part in parts)

            assert length < 4_096
            assert parameter.properties.get("Tier") in {None, "Standard"}
