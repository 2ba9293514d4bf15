"""Versions do not change, and changes are guarded by revisions."""

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_cloud.bench import Bench, eventually, unique, zipped

pytestmark = pytest.mark.e2e

RELEASED = """
    import os
    from importlib.resources import files

    def handler(event, context):
        return {
            "model": files("serinus_release").joinpath("model.txt").read_text(),
            "which": os.environ["WHICH"],
            "version": context.function_version,
            "code": CODE,
        }

    CODE = "first"
"""


def publish_layer(bench: Bench, model: str) -> str:
    """Publish a layer that holds a model; returns its version's ARN."""
    content = zipped({"python/serinus_release/__init__.py": "", "python/serinus_release/model.txt": model})
    return bench.functions.publish_layer_version(LayerName=unique("model"), Content={"ZipFile": content})[
        "LayerVersionArn"
    ]


def test_published_versions_are_immutable(bench: Bench) -> None:
    """A version keeps its layers, code and environment while $LATEST gets others."""
    name = bench.make_function(RELEASED)
    bucket = unique("code")
    bench.buckets.create_bucket(Bucket=bucket)
    for which in ("first", "second", "third"):
        code = zipped({"index.py": RELEASED.replace('"first"', f'"{which}"')})
        bench.buckets.put_object(Bucket=bucket, Key=which, Body=code)
        bench.functions.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key=which)
        bench.settle(name)
        bench.functions.update_function_configuration(
            FunctionName=name,
            Layers=[publish_layer(bench, f"model of {which}")],
            Environment={"Variables": {"WHICH": which}},
        )
        bench.settle(name)
        if which != "third":
            bench.publish(name)

    def expected(which: str, version: str) -> dict[str, str]:
        return {"model": f"model of {which}", "which": which, "version": version, "code": which}

    for _ in range(2):
        assert bench.invoke(name) == expected("third", "$LATEST")
        assert bench.invoke(name, Qualifier="1") == expected("first", "1")
        assert bench.invoke(name, Qualifier="2") == expected("second", "2")


def test_publishing_is_guarded(bench: Bench) -> None:
    """A stale revision and another code's digest are refused; unchanged, the old version comes back."""
    code = "def handler(event, context):\n    pass\n"
    name = bench.make_function(code)
    now = bench.functions.get_function_configuration(FunctionName=name)
    digest = base64.b64encode(hashlib.sha256(zipped({"index.py": "other"})).digest()).decode()
    with pytest.raises(ClientError, match="CodeSHA256"):
        bench.functions.publish_version(FunctionName=name, CodeSha256=digest)
    with pytest.raises(ClientError, match="PreconditionFailedException"):
        bench.functions.publish_version(FunctionName=name, RevisionId="00000000-0000-0000-0000-000000000000")
    guards: Any = {"CodeSha256": now["CodeSha256"], "RevisionId": now["RevisionId"]}
    published = bench.functions.publish_version(FunctionName=name, **guards)
    again = bench.functions.publish_version(FunctionName=name)
    assert (published["Version"], again["Version"]) == ("1", "1")
    assert published["CodeSha256"] == now["CodeSha256"]
    assert published["State"] == "Active"


def test_updates_take_time_and_change_the_revision_twice(bench: Bench) -> None:
    """What follows an update at once is refused; the revision of its answer does not last."""
    name = bench.make_function("def handler(event, context):\n    pass\n")
    answer = bench.functions.update_function_configuration(FunctionName=name, MemorySize=256)
    assert answer["LastUpdateStatus"] == "InProgress"
    with pytest.raises(ClientError, match="ResourceConflictException"):
        bench.functions.publish_version(FunctionName=name)
    with pytest.raises(ClientError, match="ResourceConflictException"):
        bench.functions.update_function_configuration(FunctionName=name, MemorySize=512)
    bench.settle(name)
    with pytest.raises(ClientError, match="PreconditionFailedException"):
        bench.functions.update_function_configuration(
            FunctionName=name, MemorySize=512, RevisionId=answer["RevisionId"]
        )
    assert bench.publish(name) == "1"


def test_rule_retries_its_function_and_dead_letters(bench: Bench) -> None:
    """EventBridge calls a function asynchronously: three attempts, then the queue for failures."""
    url, queue_arn = bench.make_queue()
    name = bench.make_function("def handler(event, context):\n    print('tried')\n    raise ValueError(event)\n")
    arn = bench.functions.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": queue_arn})[
        "FunctionArn"
    ]
    bench.settle(name)
    rule = unique("rule")
    bench.events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    transformer = {
        "InputPathsMap": {"model": "$.detail.model", "when": "$.time"},
        "InputTemplate": '{"model": <model>, "fixed": [1, 2]}',
    }
    target: Any = {"Id": "f", "Arn": arn, "InputTransformer": transformer}
    bench.events.put_targets(Rule=rule, Targets=[target])
    bench.events.put_events(
        Entries=[{"Source": rule, "DetailType": "d", "Detail": json.dumps({"model": {"version": 7}})}]
    )
    letter = bench.message_in(url)
    assert letter["requestPayload"] == {"model": {"version": 7}, "fixed": [1, 2]}
    assert letter["responsePayload"]["errorType"] == "ValueError"
    tried = eventually(lambda: [line for _, line in bench.log_lines(name) if line == "tried"])
    assert len(tried) == 3
