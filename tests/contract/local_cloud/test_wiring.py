"""Services that the production wiring relies on behave as on AWS."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_cloud.bench import ACCOUNT, REGION, ROLE, Bench, eventually, unique, zipped

pytestmark = pytest.mark.e2e


def make_stack(bench: Bench, resources: dict[str, Any]) -> str:
    """Create a stack and wait for it; returns its name."""
    name = unique("stack")
    bench.stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))

    def ended() -> dict[str, Any] | None:
        stack: Any = bench.stacks.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack = eventually(ended)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return name


def test_objects_become_events(bench: Bench) -> None:
    """A bucket with EventBridge notifications, made by a template, publishes `Object Created`."""
    bucket = unique("bucket")
    notify = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    properties = {"BucketName": bucket, "NotificationConfiguration": notify}
    make_stack(bench, {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "in/"}]}},
    }
    url = bench.forward_events(pattern)
    bench.buckets.put_object(Bucket=bucket, Key="out/x", Body=b"x")
    bench.buckets.put_object(Bucket=bucket, Key="in/a b.csv", Body=b"row")
    event = bench.message_in(url)
    assert event["detail"]["object"]["key"] == "in/a b.csv"
    assert event["detail"]["object"]["size"] == 3


def test_rule_starts_a_state_machine(bench: Bench) -> None:
    """A custom bus's rule starts an execution with the event as its input."""
    machine = bench.make_machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    bus, rule = unique("bus"), unique("rule")
    bench.events.create_event_bus(Name=bus)
    bench.events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps({"source": ["serinus"]}))
    bench.events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "m", "Arn": machine, "RoleArn": ROLE}])
    bench.events.put_events(
        Entries=[{"EventBusName": bus, "Source": "serinus", "DetailType": "d", "Detail": '{"model": 3}'}]
    )
    execution = eventually(
        lambda: bench.machines.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]
    )[0]
    started = bench.machines.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(started)["detail"] == {"model": 3}


def test_scheduled_rule_fires(bench: Bench) -> None:
    """A rule at rate(1 minute) fires again and again (here a minute lasts a second)."""
    url, arn = bench.make_queue()
    rule = unique("schedule")
    bench.events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)")
    bench.events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn, "Input": '{"endpoint": "churn"}'}])
    started = time.monotonic()
    assert bench.message_in(url) == {"endpoint": "churn"}
    assert bench.message_in(url) == {"endpoint": "churn"}
    assert time.monotonic() - started < 6
    bench.events.remove_targets(Rule=rule, Ids=["q"])
    bench.events.delete_rule(Name=rule)


def test_state_machine_as_the_rollout_uses_it(bench: Bench) -> None:
    """JSONata: a computed wait, a choice, a task on a function's ARN, a catch of everything, variables."""
    name = bench.make_function("def handler(event, context):\n    return {'verdict': event['say']}\n")
    failing = bench.make_function("def handler(event, context):\n    raise KeyError('x')\n")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    definition = {
        "StartAt": "Hold",
        "States": {
            "Hold": {
                "Type": "Wait",
                "Seconds": "{% $states.input.seconds * 2 %}",
                "Assign": {"say": "{% $states.input.say %}"},
                "Next": "Ask",
            },
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": arn, "Payload": {"say": "{% $say %}"}},
                "Output": "{% $states.result.Payload %}",
                "Next": "Decide",
            },
            "Decide": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.verdict = 'advance' %}", "Next": "Break"}],
                "Default": "Held",
            },
            "Held": {"Type": "Fail", "Error": "Held"},
            "Break": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": failing, "Payload": {}},
                "Catch": [
                    {
                        "ErrorEquals": ["States.ALL"],
                        "Output": {"caught": "{% $states.errorOutput.Error %}", "said": "{% $say %}"},
                        "Next": "End",
                    }
                ],
                "Next": "Held",
            },
            "End": {"Type": "Succeed"},
        },
    }
    started = time.monotonic()
    assert bench.run_machine(definition, {"seconds": 0.5, "say": "advance"}) == {
        "caught": "KeyError",
        "said": "advance",
    }
    assert 1 <= time.monotonic() - started < 8


def test_machine_starts_another(bench: Bench) -> None:
    """`states:startExecution` starts an execution and does not wait for it."""
    child = bench.make_machine(
        {
            "StartAt": "W",
            "States": {"W": {"Type": "Wait", "Seconds": 30, "Next": "E"}, "E": {"Type": "Succeed"}},
        }
    )
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Arguments": {"StateMachineArn": child, "Input": {"from": "{% $states.input.me %}"}},
        "End": True,
    }
    output = bench.run_machine({"StartAt": "S", "States": {"S": task}}, {"me": "parent"}, seconds=10)
    execution = bench.machines.describe_execution(executionArn=output["ExecutionArn"])
    assert execution["status"] == "RUNNING"
    assert json.loads(execution["input"])["from"] == "parent"
    bench.machines.stop_execution(executionArn=output["ExecutionArn"])


def test_asymmetric_signature(bench: Bench) -> None:
    """A P-256 key signs a digest and knows its own signature."""
    key = bench.keys.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    call: dict[str, Any] = {"KeyId": key, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = bench.keys.sign(Message=b"d" * 32, **call)["Signature"]
    assert bench.keys.verify(Message=b"d" * 32, Signature=signature, **call)["SignatureValid"]
    with pytest.raises(ClientError, match="KMSInvalidSignature"):
        bench.keys.verify(Message=b"e" * 32, Signature=signature, **call)


def test_transaction_is_all_or_nothing(bench: Bench) -> None:
    """One condition that fails undoes the whole transaction, and says which."""
    table = unique("table")
    make_stack(
        bench,
        {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": table,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
                },
            }
        },
    )
    ttl = bench.tables.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}

    def put(key: str) -> Any:  # noqa: ANN401 - a member of the request
        item = {"TableName": table, "Item": {"pk": {"S": key}}}
        return {"Put": item | {"ConditionExpression": "attribute_not_exists(pk)"}}

    bench.tables.transact_write_items(TransactItems=[put("a")])
    with pytest.raises(bench.tables.exceptions.TransactionCanceledException) as caught:
        bench.tables.transact_write_items(
            TransactItems=[
                put("b"),
                put("a"),
            ]
        )
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert "Item" not in bench.tables.get_item(TableName=table, Key={"pk": {"S": "b"}})


def test_template_sets_what_stock_drops(bench: Bench) -> None:
    """A template's dead-letter queue and reserved concurrency, and an alias that the API may then write."""
    bucket = unique("code")
    bench.buckets.create_bucket(Bucket=bucket)
    bench.buckets.put_object(Bucket=bucket, Key="c", Body=zipped({"index.py": "def handler(e, c):\n    return 1\n"}))
    name = unique("fn")
    function = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": ROLE,
        "Code": {"S3Bucket": bucket, "S3Key": "c"},
        "ReservedConcurrentExecutions": 2,
        "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Failed", "Arn"]}},
        "LoggingConfig": {"LogFormat": "JSON"},
    }
    make_stack(
        bench,
        {
            "Failed": {"Type": "AWS::SQS::Queue"},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "Name": "live",
                    "FunctionName": {"Ref": "Function"},
                    "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                },
            },
        },
    )
    configuration = bench.functions.get_function_configuration(FunctionName=name)
    assert configuration["DeadLetterConfig"]["TargetArn"].startswith(f"arn:aws:sqs:{REGION}:{ACCOUNT}:")
    reserved = bench.functions.get_function_concurrency(FunctionName=name)
    assert reserved["ReservedConcurrentExecutions"] == 2
    assert bench.invoke(name, Qualifier="live") == 1
    bench.set_environment(name, A="b")
    assert bench.publish(name) == "2"
    bench.functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert any(line.startswith('{"time"') for _, line in bench.log_lines(name))
