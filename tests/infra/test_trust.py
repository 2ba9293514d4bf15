"""Who may do what, and that nobody may do more."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from serinus.settings import function_name, inference_function_name, version_function_name
from tests.infra.assembly import Assembly, listed

_MOVERS = {function_name(name) for name in ("publish_release", "advance_rollout", "roll_back")}
_SHADOW = function_name("shadow_candidate")  # it may end a rollout, and with it the alarms, but moves no traffic

# Every wildcard that an ARN of ours may hold, each bounded by a prefix.
_REVIEWED = re.compile(
    r"""(/(incoming|models|layers|records|profiles|snapshots|ledger)/\*          # objects by prefix
      | /(labels|label-days|label-names)/\*                                     # labels, and their names
      | /(batch|predictions)/\*                                                 # rows of a batch, and their scores
      | :execution:serinus-batch[:/]\*                                          # batches and their parts
      | :function:serinus-endpoint-\*                                            # inference functions
      | :function:serinus-endpoint-\*:[1-9]\*                                     # their versions, never $LATEST
      | :function:serinus-endpoint-[a-z0-9-]+:\*                                 # the versions of one of them
      | :layer:serinus-(model|endpoint)-\*(:\*)?                                 # their layers
      | :alarm:serinus-rollout/\*                                                # alarms of a rollout
      | :alarm:\*                                                                # but to see any, below
      | :parameter/serinus/endpoints/\*                                          # policies and runtimes
      | :s3:::cdk-hnb659fds-assets-[^/]*/\*                                      # code, by digest
    )$""",
    re.VERBOSE,
)
# These have no resources to name (Step Functions developer guide, logging and tracing).
_WITHOUT_RESOURCES = re.compile(
    r"^(logs:(\w*LogDelivery|\w*LogDeliveries|\w*ResourcePolic\w*|DescribeLogGroups)|xray:\w+)$"
)


def _flat(arn: Any) -> str:  # noqa: ANN401 - a resolved ARN has any shape
    match arn:
        case str():
            return arn
        case {"Fn::Join": [separator, parts]}:
            return str(separator.join(_flat(part) for part in parts))
    return f"<{json.dumps(arn)}>"


def _holders(assembly: Assembly, action: str) -> set[str]:
    return {
        name
        for name in assembly.functions()
        for statement in assembly.statements(name)
        if action in listed(statement["Action"])
    }


def test_no_statement_has_a_wildcard_for_an_action(aws: Assembly) -> None:
    """Actions are written in full."""
    for policy in aws.resources("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            assert not [action for action in listed(statement["Action"]) if "*" in action], policy.logical_id


def test_no_wildcard_is_unreviewed(aws: Assembly) -> None:
    """A resource with a wildcard is bounded by a prefix that this test knows."""
    for policy in aws.resources("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            wild = [arn for arn in map(_flat, listed(statement["Resource"])) if "*" in arn]
            if wild == ["*"]:
                assert all(_WITHOUT_RESOURCES.match(action) for action in listed(statement["Action"])), statement
            else:
                assert not [arn for arn in wild if not _REVIEWED.search(arn)], policy.logical_id


@pytest.mark.parametrize(
    ("action", "holders"),
    [
        ("kms:Sign", {function_name("validate_model")}),
        ("kms:Verify", {function_name("publish_release")}),
        ("lambda:UpdateAlias", _MOVERS),
        ("lambda:PublishVersion", {function_name("publish_release")}),
        ("lambda:PublishLayerVersion", {function_name("publish_release")}),
        ("lambda:UpdateFunctionCode", {function_name("publish_release")}),
        ("lambda:UpdateFunctionConfiguration", {function_name("publish_release")}),
        ("lambda:DeleteFunction", {function_name("prune_releases")}),
        ("lambda:DeleteLayerVersion", {function_name("prune_releases")}),
        ("cloudwatch:PutMetricAlarm", {function_name("publish_release")}),
        ("cloudwatch:DeleteAlarms", _MOVERS | {_SHADOW}),
        ("states:StartExecution", {function_name(name) for name in ("follow_deployment", "request_rollout")}),
        (
            "lambda:InvokeFunction",
            {*map(function_name, ("publish_release", "request_roll_back", "roll_back")), _SHADOW}
            | {version_function_name(endpoint) for endpoint in ("fraud", "open-house")},
        ),
        ("s3:DeleteObject", {"serinus-compact-labels", "serinus-compact-profiles"}),
        ("s3:BypassGovernanceRetention", set()),
        ("iam:PassRole", set()),
    ],
)
def test_only_the_named_functions_may(aws: Assembly, action: str, holders: set[str]) -> None:
    """Nothing reaches traffic around the gates: what signs, publishes and moves is held by these roles alone."""
    assert _holders(aws, action) == holders


def test_validating_sees_where_traffic_goes_and_can_only_read_and_sign(aws: Assembly) -> None:
    """It holds a candidate against the model that is live: the alias, the records and the models are enough."""
    validating = function_name("validate_model")
    assert validating in _holders(aws, "lambda:GetAlias")
    lambdas = {
        action
        for statement in aws.statements(validating)
        for action in listed(statement["Action"])
        if action.startswith("lambda:")
    }
    assert lambdas == {"lambda:GetAlias"}


def test_no_other_role_holds_what_moves_traffic(aws: Assembly) -> None:
    """State machines hold no such permission themselves; they invoke functions that do."""
    moving = {"lambda:UpdateAlias", "kms:Sign", "lambda:PublishVersion"}
    of_functions = {id(statement) for name in aws.functions() for statement in aws.statements(name)}
    for policy in aws.resources("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if id(statement) not in of_functions:
                assert not moving & set(listed(statement["Action"])), policy.logical_id


def test_who_carries_a_rollout_reads_no_policy(aws: Assembly) -> None:
    """A rollout's policy is pinned when it starts; what comes after has no use for the one that is deployed."""
    readers = _holders(aws, "ssm:GetParameter") | _holders(aws, "ssm:GetParametersByPath")

    assert not readers & {*_MOVERS, _SHADOW}


def test_any_alarm_may_be_seen_and_no_more(aws: Assembly) -> None:
    """Alarms are looked up by a prefix of their name, which takes the right to see all, and only that."""
    for name in aws.functions():
        for statement in aws.statements(name):
            if any(_flat(arn).endswith(":alarm:*") for arn in listed(statement["Resource"])):
                assert listed(statement["Action"]) == ["cloudwatch:DescribeAlarms"], name


def test_a_shadow_can_only_ask_and_look(aws: Assembly) -> None:
    """It invokes versions of inference functions, past the alias, and writes neither data nor models."""
    statements = aws.statements(_SHADOW)
    invoked = [
        arn
        for statement in statements
        if "lambda:InvokeFunction" in listed(statement["Action"])
        for arn in map(_flat, listed(statement["Resource"]))
    ]
    written = [
        arn
        for statement in statements
        if "s3:PutObject" in listed(statement["Action"])
        for arn in map(_flat, listed(statement["Resource"]))
    ]

    assert [arn.rsplit(":function:", 1)[1] for arn in invoked] == [f"serinus-endpoint-*:{n}*" for n in range(1, 10)]
    assert [arn.rsplit("/", 2)[1:] for arn in written] == [["ledger", "*"]]


def test_inference_functions_may_only_write_their_log(aws: Assembly) -> None:
    """What the internet reaches can reach nothing."""
    for endpoint in ("fraud", "open-house"):
        (statement,) = aws.statements(inference_function_name(endpoint))

        assert listed(statement["Action"]) == ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_the_ledger_can_only_be_added_to(aws: Assembly) -> None:
    """Whoever writes the ledger may look whether an entry is there, and neither delete nor unlock one."""
    for name in aws.functions():
        for statement in aws.statements(name):
            if any("Ledger" in _flat(arn) for arn in listed(statement["Resource"])):
                assert set(listed(statement["Action"])) <= {"s3:GetObject", "s3:PutObject"}, name


def test_only_what_is_folded_can_be_deleted(aws: Assembly) -> None:
    """Parts of profiles, and label files, each by who folds them; models, records, snapshots and names stay."""
    folded = {"compact_profiles": {"profiles"}, "compact_labels": {"labels", "label-days"}}
    prefixes = {function_name(name): within for name, within in folded.items()}
    for name in aws.functions():
        for statement in aws.statements(name):
            if "s3:DeleteObject" in listed(statement["Action"]):
                removed = {_flat(arn).split("/")[-2] for arn in listed(statement["Resource"])}
                assert removed == prefixes[name]


def test_listing_a_bucket_is_bounded_by_prefixes(aws: Assembly) -> None:
    """A bucket's ARN bounds nothing within it, so the condition has to."""
    for name in aws.functions():
        for statement in aws.statements(name):
            if "s3:ListBucket" in listed(statement["Action"]):
                assert statement["Condition"]["StringLike"]["s3:prefix"], name


def test_control_routes_take_signed_requests_alone(aws: Assembly) -> None:
    """Every path below `/endpoints` is authorised by IAM, each deed by a route and a method of its own."""
    routes = {
        route.properties["RouteKey"]: route.properties["AuthorizationType"]
        for route in aws.resources("AWS::ApiGatewayV2::Route")
        if " /endpoints" in route.properties["RouteKey"]
    }
    rollout = "/endpoints/{endpoint}/rollouts/{rollout}"
    assert routes == dict.fromkeys(
        [
            "POST /endpoints/{endpoint}/rollouts",
            "GET /endpoints/{endpoint}/rollouts",
            f"GET {rollout}",
            *(f"POST {rollout}/{deed}" for deed in ("pause", "resume", "promote", "abort")),
            "POST /endpoints/{endpoint}/labels",
            "POST /endpoints/{endpoint}/rollback",
        ],
        "AWS_IAM",
    )


def test_what_looks_at_rollouts_writes_nothing(aws: Assembly) -> None:
    """Its role reads the table and the policies, and writes its log."""
    for name in ("list_rollouts", "describe_rollout"):
        actions = {action for found in aws.statements(function_name(name)) for action in listed(found["Action"])}
        written = {"logs:CreateLogStream", "logs:PutLogEvents"}
        read = {"dynamodb:GetItem", "dynamodb:Query"}
        assert {action for action in actions if not action.startswith(("kms:", "ssm:Get"))} == written | read


def test_only_numbered_versions_can_be_removed(aws: Assembly) -> None:
    """What prunes releases can remove neither an inference function nor its `$LATEST`, nor any other function."""
    (statement,) = (
        statement
        for statement in aws.statements(function_name("prune_releases"))
        if "lambda:DeleteFunction" in listed(statement["Action"])
    )
    patterns = [_flat(arn).partition(":function:")[2] for arn in listed(statement["Resource"])]

    assert listed(statement["Action"]) == ["lambda:DeleteFunction"]
    assert [fnmatchcase("serinus-endpoint-fraud:12", pattern) for pattern in patterns].count(True) == 1
    for name in ("serinus-endpoint-fraud", "serinus-endpoint-fraud:$LATEST", "serinus-endpoint-fraud:live"):
        assert not any(fnmatchcase(name, pattern) for pattern in patterns), name
    assert not any(fnmatchcase("serinus-roll-back:1", pattern) for pattern in patterns)
