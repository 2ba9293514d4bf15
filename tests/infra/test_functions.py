"""What is promised of every Lambda function."""

from __future__ import annotations

from pathlib import Path

from serinus import settings
from tests.infra.assembly import Assembly, Resource

_FUNCTIONS = Path(__file__).parents[2] / "functions"
_ENDPOINTS = ("fraud", "open-house")


def _folder(function_name: str) -> str:
    if function_name.startswith(settings.inference_function_name("")):
        return "infer"
    if function_name.startswith(settings.version_function_name("")):
        return "infer_version"
    return function_name.removeprefix(settings.function_name("")).replace("-", "_")


def test_every_handler_is_deployed_exactly_once(aws: Assembly) -> None:
    """Each folder with a handler is one control-plane function; `infer` and `infer_version` are one an endpoint."""
    handlers = {path.parent.name for path in _FUNCTIONS.glob("*/handler.py")}
    control_plane = [settings.function_name(name) for name in handlers - {"infer", "infer_version"}]
    inference = [settings.inference_function_name(endpoint) for endpoint in _ENDPOINTS]
    inference += [settings.version_function_name(endpoint) for endpoint in _ENDPOINTS]

    deployed = [function.properties["FunctionName"] for function in aws.resources("AWS::Lambda::Function")]

    assert sorted(deployed) == sorted(control_plane + inference)


def test_environment_equals_settings(aws: Assembly) -> None:
    """A function is told what its settings class asks for, and nothing else."""
    for name, function in aws.functions().items():
        kind = getattr(settings, f"{_folder(name).title().replace('_', '')}Settings")
        expected = settings.as_environment(kind(**dict.fromkeys(settings.field_names(kind), "")))

        told = function.properties.get("Environment", {"Variables": {}})["Variables"]

        assert set(told) == set(expected), name
        assert all(told.values()), name


def test_every_log_is_json_and_expires(aws: Assembly) -> None:
    """Logs are JSON, so that platform events can be told apart, in a group of the function's own that expires."""
    groups = {(group.stack, group.logical_id): group for group in aws.resources("AWS::Logs::LogGroup")}
    used = []
    for name, function in aws.functions().items():
        logging = function.properties["LoggingConfig"]
        group = groups[function.stack, logging["LogGroup"]["Ref"]]

        assert logging["LogFormat"] == "JSON", name
        assert group.properties["RetentionInDays"] <= 31, name
        used.append((function.stack, group.logical_id))
    assert len(set(used)) == len(used)


def test_no_two_functions_share_a_role(aws: Assembly) -> None:
    """What one function may do, no other may do because of it; no managed policy adds to it."""
    roles = [(function.stack, function.properties["Role"]["Fn::GetAtt"][0]) for function in aws.functions().values()]

    assert len(set(roles)) == len(roles)
    assert not [role for role in aws.resources("AWS::IAM::Role") if role.properties.get("ManagedPolicyArns")]


def test_every_function_invoked_asynchronously_keeps_what_failed(aws: Assembly) -> None:
    """Where EventBridge or a log subscription invokes, nobody waits for the answer, so failures go to a queue."""
    kept = {
        config.properties["FunctionName"]["Ref"]
        for config in aws.resources("AWS::Lambda::EventInvokeConfig")
        if config.properties["DestinationConfig"]["OnFailure"]["Destination"]
    }

    invoked = {
        _logical_id(permission)
        for permission in aws.resources("AWS::Lambda::Permission")
        if permission.properties["Principal"] in ("events.amazonaws.com", "logs.amazonaws.com")
    }

    # collect_predictions, compact_labels, compact_profiles, detect_drift, estimate_performance, prune_releases,
    # review_performance, roll_back; and follow_deployment twice
    assert len(invoked) == 10
    assert all(any(function in wanted for function in kept) for wanted in invoked), (invoked, kept)


def _logical_id(permission: Resource) -> str:
    """Return the function's logical id, or the name of the output another stack publishes it under."""
    match permission.properties["FunctionName"]:
        case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return logical_id
        case {"Fn::GetStackOutput": {"OutputName": str(output)}}:
            return output
    raise AssertionError(permission)


def test_every_rule_keeps_events_it_could_not_deliver(aws: Assembly) -> None:
    """An event whose target could not be reached ends in a queue."""
    targets = [target for rule in aws.resources("AWS::Events::Rule") for target in rule.properties["Targets"]]

    # of each endpoint: drift, performance twice, compacting twice, pruning, following deploys
    assert len(targets) == 5 + 7 * len(_ENDPOINTS)
    assert all(target["DeadLetterConfig"]["Arn"] for target in targets)


def test_every_queue_of_failures_has_an_alarm(aws: Assembly) -> None:
    """What waits in a queue rings."""
    queues = {(queue.stack, queue.logical_id) for queue in aws.resources("AWS::SQS::Queue")}
    watched = {
        (alarm.stack, dimension["Value"]["Fn::GetAtt"][0])
        for alarm in aws.resources("AWS::CloudWatch::Alarm")
        if alarm.properties.get("Namespace") == "AWS/SQS"
        for dimension in alarm.properties["Dimensions"]
    }

    assert queues
    assert queues == watched
