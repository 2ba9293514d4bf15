"""Weights of an alias are honoured on every path."""

import collections
import concurrent.futures
import json
import math

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_cloud.bench import ACCOUNT, REGION, Bench

pytestmark = pytest.mark.e2e

CALLS = 1_000
WEIGHT = 0.2
# 5.5 standard deviations: a fair split falls outside in fewer than one run in a million.
TOLERANCE = 5.5 * math.sqrt(CALLS * WEIGHT * (1 - WEIGHT))

HTTP_HANDLER = """
    import json, os

    def handler(event, context):
        return {"statusCode": 200, "body": json.dumps({
            "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            "arn": context.invoked_function_arn,
            "event": {name: event[name] for name in ("version", "rawPath", "body", "routeKey")},
        })}
"""


def assert_split(versions: "collections.Counter[str]") -> None:
    """The calls were split as the weights say, none was lost."""
    assert versions.total() == CALLS
    assert versions["2"] == pytest.approx(CALLS * WEIGHT, abs=TOLERANCE), versions


def test_invoke_draws_the_version(bench: Bench) -> None:
    """Invoke on the alias runs both versions by weight, says which, and passes the alias's ARN."""
    name = bench.two_versions()
    arn = bench.weighted_alias(name, WEIGHT)

    def call(_: int) -> tuple[str, str, str]:
        answer = bench.functions.invoke(FunctionName=name, Qualifier="live")
        body = json.loads(answer["Payload"].read())
        return body["version"], answer["ExecutedVersion"], body["arn"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        calls = list(pool.map(call, range(CALLS)))
    assert_split(collections.Counter(version for version, _, _ in calls))
    assert all(version == executed for version, executed, _ in calls)
    assert {invoked for _, _, invoked in calls} == {arn}


def test_http_api_draws_the_version(bench: Bench) -> None:
    """An HTTP API integrated with the alias runs both versions by weight, with payload format 2.0."""
    name = bench.two_versions(HTTP_HANDLER)
    arn = bench.weighted_alias(name, WEIGHT)
    url = bench.make_http_api(arn)

    def call(number: int) -> dict[str, object]:
        found: dict[str, object] = bench.post(f"{url}/predict", str(number).encode())
        return found

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, range(CALLS)))
    assert_split(collections.Counter(str(answer["version"]) for answer in answers))
    assert {answer["arn"] for answer in answers} == {arn}
    assert answers[7]["event"] == {
        "version": "2.0",
        "rawPath": "/predict",
        "body": "7",
        "routeKey": "POST /{proxy+}",
    }


def test_step_functions_draws_the_version(bench: Bench) -> None:
    """A task on the alias's ARN runs both versions by weight."""
    arn = bench.weighted_alias(bench.two_versions(), WEIGHT)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": arn, "Payload": {}},
        "Output": "{% $states.result.Payload.version %}",
        "End": True,
    }
    each = {
        "Type": "Map",
        "Items": "{% [1..1000] %}",
        "MaxConcurrency": 4,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Call",
            "States": {"Call": task},
        },
        "End": True,
    }
    versions = bench.run_machine({"StartAt": "Each", "States": {"Each": each}}, {})
    assert_split(collections.Counter(versions))


def test_describing_the_alias_draws_nothing(bench: Bench) -> None:
    """GetFunctionConfiguration on the alias always describes the alias's own version."""
    name = bench.two_versions()
    bench.weighted_alias(name, 1.0)
    described = bench.functions.get_function_configuration(FunctionName=name, Qualifier="live")
    assert described["Version"] == "1"


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ({"9": 0.1}, "ResourceNotFoundException"),
        ({"1": 0.1}, "InvalidParameterValueException"),
        ({"2": 1.5}, "InvalidParameterValueException"),
        ({"$LATEST": 0.1}, "InvalidParameterValueException"),
    ],
)
def test_impossible_weights_are_refused(bench: Bench, weights: dict[str, float], error: str) -> None:
    """What AWS would not route to is refused when the alias is written."""
    name = bench.two_versions()
    with pytest.raises(ClientError, match=error):
        bench.functions.create_alias(
            FunctionName=name,
            Name="live",
            FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": weights},
        )


def test_stale_revision_is_refused(bench: Bench) -> None:
    """UpdateAlias under a revision that has passed is refused."""
    name = bench.two_versions()
    bench.weighted_alias(name, 0.1)
    stale = bench.functions.get_alias(FunctionName=name, Name="live")["RevisionId"]
    bench.functions.update_alias(
        FunctionName=name, Name="live", RevisionId=stale, RoutingConfig={"AdditionalVersionWeights": {}}
    )
    with pytest.raises(ClientError, match="PreconditionFailedException"):
        bench.functions.update_alias(FunctionName=name, Name="live", RevisionId=stale, FunctionVersion="2")
    alias = bench.functions.get_alias(FunctionName=name, Name="live")
    assert alias["FunctionVersion"] == "1"
    assert "RoutingConfig" not in alias


def test_reserved_concurrency_counts_over_versions(bench: Bench) -> None:
    """A function with no concurrency reserved is throttled through its alias too."""
    name = bench.two_versions()
    bench.weighted_alias(name, 0.5)
    bench.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        bench.functions.invoke(FunctionName=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:live")
