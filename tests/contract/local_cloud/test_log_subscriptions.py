"""Delivery of log events to a subscribed function."""

import base64
import collections
import concurrent.futures
import gzip
import itertools
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_cloud.bench import ACCOUNT, REGION, Bench, eventually, unique

pytestmark = pytest.mark.e2e

COLLECTOR = """
    import json, os, time, urllib.request
    import boto3

    queue = boto3.client("sqs")

    def handler(event, context):
        started = time.time()
        body = {"data": event["awslogs"]["data"], "request": context.aws_request_id}
        count = int(queue.get_queue_attributes(
            QueueUrl=os.environ["QUEUE"], AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]["ApproximateNumberOfMessages"])
        time.sleep(float(os.environ.get("SLEEP", "0")))
        body |= {"started": started, "ended": time.time()}
        queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(body))
        if count < int(os.environ.get("FAILURES", "0")):
            raise RuntimeError("not yet")
"""
RECORDING = """
    import json

    def handler(event, context):
        print(json.dumps({"record": {"release": "r1"}, "number": event}))
        print("a line that nobody subscribes to")
"""


def subscribe(bench: Bench, group: str, pattern: str = "", **environment: str) -> str:
    """Subscribe a collector to a log group; returns the URL of the queue that it passes payloads to."""
    url, _ = bench.make_queue()
    collector = bench.make_function(COLLECTOR, {"QUEUE": url} | environment)
    bench.logs.put_subscription_filter(
        logGroupName=group,
        filterName="collect",
        filterPattern=pattern,
        destinationArn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{collector}",
    )
    return url


def received(bench: Bench, url: str) -> list[dict[str, Any]]:
    """The deliveries that are in the queue now, unpacked."""
    deliveries = []
    while messages := bench.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            body["payload"] = json.loads(gzip.decompress(base64.b64decode(body["data"])))
            deliveries.append(body)
    return deliveries


def make_group(bench: Bench) -> str:
    """A log group with a stream `s`."""
    group = unique("group")
    bench.logs.create_log_group(logGroupName=group)
    bench.logs.create_log_stream(logGroupName=group, logStreamName="s")
    return group


def write(bench: Bench, group: str, *messages: str) -> None:
    """Write lines to the group's stream."""
    now = int(time.time() * 1000)
    events: list[Any] = [{"timestamp": now, "message": message} for message in messages]
    bench.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def test_two_hundred_requests_arrive_in_few_batches(bench: Bench) -> None:
    """Every matching line once, in batches of one stream each, never two deliveries at a time."""
    name = bench.make_function(RECORDING)
    bench.invoke(name, 0)
    url = subscribe(bench, f"/aws/lambda/{name}", "{ $.record.release = * }", SLEEP="0.05")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: bench.invoke(name, number), range(1, 201)))
    deliveries: list[dict[str, Any]] = []

    def all_there() -> bool:
        deliveries.extend(received(bench, url))
        return sum(len(delivery["payload"]["logEvents"]) for delivery in deliveries) >= 200

    eventually(all_there)
    deliveries.sort(key=lambda delivery: float(delivery["started"]))
    for earlier, later in itertools.pairwise(deliveries):
        assert earlier["ended"] <= later["started"]
    events = [event for delivery in deliveries for event in delivery["payload"]["logEvents"]]
    assert sorted(json.loads(event["message"])["number"] for event in events) == list(range(1, 201))
    assert len({event["id"] for event in events}) == 200
    assert len(deliveries) < 60
    streams = collections.Counter(delivery["payload"]["logStream"] for delivery in deliveries)
    assert 1 <= len(streams) <= 5


def test_payload_is_as_from_aws(bench: Bench) -> None:
    """The envelope and the event have AWS's members."""
    group = make_group(bench)
    url = subscribe(bench, group, "admitted")
    write(bench, group, "an admitted line", "another line")
    delivery = eventually(lambda: received(bench, url))[0]
    payload = delivery["payload"]
    (event,) = payload.pop("logEvents")
    assert payload == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": group,
        "logStream": "s",
        "subscriptionFilters": ["collect"],
    }
    assert event["message"] == "an admitted line"
    assert len(event["id"]) == 56
    assert event["id"].isdigit()
    assert abs(event["timestamp"] / 1000 - time.time()) < 30


def test_failed_delivery_is_repeated_unchanged(bench: Bench) -> None:
    """The same bytes, so the same ids, until the function takes them; what comes later waits."""
    group = make_group(bench)
    url = subscribe(bench, group, FAILURES="2")
    write(bench, group, "first")
    time.sleep(1.5)
    write(bench, group, "second")
    deliveries: list[dict[str, Any]] = []

    def four() -> bool:
        found = bench.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(found["Attributes"]["ApproximateNumberOfMessages"]) >= 4

    eventually(four)
    deliveries = sorted(received(bench, url), key=lambda delivery: float(delivery["started"]))
    messages = [delivery["payload"]["logEvents"][0]["message"] for delivery in deliveries]
    assert messages == ["first", "first", "first", "second"]
    assert len({delivery["data"] for delivery in deliveries[:3]}) == 1
    assert len({delivery["request"] for delivery in deliveries}) == 4


def test_writers_are_not_slowed(bench: Bench) -> None:
    """A slow collector costs the subscribed function nothing."""
    name = bench.make_function(RECORDING)
    bench.invoke(name, 0)
    subscribe(bench, f"/aws/lambda/{name}", "", SLEEP="2")
    taken = []
    for number in range(60):
        started = time.perf_counter()
        bench.invoke(name, number)
        taken.append(time.perf_counter() - started)
    assert sorted(taken)[30] < 0.05


def test_pattern_that_cannot_be_read_is_refused(bench: Bench) -> None:
    """A filter that would admit nothing, or everything, by mistake."""
    group = make_group(bench)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        bench.logs.put_subscription_filter(
            logGroupName=group,
            filterName="broken",
            filterPattern="{ $.a = ",
            destinationArn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x",
        )
