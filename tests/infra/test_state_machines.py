"""The state machines' definitions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra_cdk.constructs import state_machine
from serinus.domain.rollout import Stage
from tests.infra.assembly import Assembly, Json

_DEFINITIONS = sorted((Path(state_machine.__file__).parents[1] / "state_machines").glob("*.asl.json"))
_NAMES = [path.name.removesuffix(".asl.json") for path in _DEFINITIONS]


def _machine(assembly: Assembly, name: str) -> Json:
    (machine,) = (
        machine.properties
        for machine in assembly.resources("AWS::StepFunctions::StateMachine")
        if machine.properties["StateMachineName"] == f"serinus-{name}"
    )
    return machine


def _states(assembly: Assembly, name: str) -> Json:
    states: Json = json.loads(_machine(assembly, name)["DefinitionString"])["States"]
    return states


@pytest.mark.parametrize("name", _NAMES)
def test_every_placeholder_is_filled(aws: Assembly, name: str) -> None:
    """A definition names functions and machines by placeholders, each given exactly once."""
    machine = _machine(aws, name)
    text = machine["DefinitionString"]

    assert {part.split("}")[0] for part in text.split("${")[1:]} == set(machine["DefinitionSubstitutions"])


@pytest.mark.parametrize("name", _NAMES)
def test_every_state_can_be_reached(aws: Assembly, name: str) -> None:
    """From the start, by way of what follows what, one comes to every state."""
    definition = json.loads(_machine(aws, name)["DefinitionString"])
    reached: set[str] = set()
    ahead = [definition["StartAt"]]
    while ahead:
        state = ahead.pop()
        if state not in reached:
            reached.add(state)
            body = definition["States"][state]
            ways = [body, *body.get("Choices", []), *body.get("Catch", [])]
            ahead += [way[key] for way in ways for key in ("Next", "Default") if key in way]

    assert reached == set(definition["States"])
    assert definition["QueryLanguage"] == "JSONata"


@pytest.mark.parametrize("name", _NAMES)
def test_every_task_is_tried_again_when_lambda_stumbles(aws: Assembly, name: str) -> None:
    """A transient error of the service is no error of ours."""
    for state, body in _states(aws, name).items():
        if body["Type"] == "Task":
            caught = {error for retry in body["Retry"] for error in retry["ErrorEquals"]}

            assert caught & {"Lambda.TooManyRequestsException", "States.ALL"}, state


@pytest.mark.parametrize("name", _NAMES)
def test_executions_are_logged_traced_and_watched(aws: Assembly, name: str) -> None:
    """What an execution did can be read, and one that fails rings."""
    machine = _machine(aws, name)
    alarms = [alarm.properties.get("AlarmName") for alarm in aws.resources("AWS::CloudWatch::Alarm")]

    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert f"serinus-{name}-failed" in alarms


@pytest.mark.parametrize("name", ["release", "retraining"])
def test_what_ran_out_of_time_or_memory_is_not_tried_again(aws: Assembly, name: str) -> None:
    """It would take another quarter of an hour to end so again; a crash may have been chance, once."""
    for state, body in _states(aws, name).items():
        if "lambda:invoke" in body.get("Resource", "") and state != "RejectUpload":
            first, second, *_ = body["Retry"]
            assert {"States.Timeout", "Sandbox.Timedout", "Runtime.OutOfMemory"} <= set(first["ErrorEquals"]), state
            assert first["MaxAttempts"] == 0
            assert (second["ErrorEquals"], second["MaxAttempts"]) == (["Runtime.ExitError"], 1)


def test_a_function_says_that_it_is_out_of_time_before_its_machine_does(aws: Assembly) -> None:
    """Lambda's own message has the seconds, and the invocation is over when somebody else writes what came of it."""
    functions = {
        name.removeprefix("serinus-").title().replace("-", ""): function.properties["Timeout"]
        for name, function in aws.functions().items()
    }
    for name in ("release", "retraining"):
        for state, body in _states(aws, name).items():
            if "lambda:invoke" in body.get("Resource", ""):
                assert body["TimeoutSeconds"] > functions[state], state


def test_whatever_ends_a_step_of_a_release_its_upload_is_rejected(aws: Assembly) -> None:
    """By the function that says what happened, which outlasts an outage; then the execution has failed."""
    states = _states(aws, "release")
    steps = {"RegisterModel": "register_model", "ValidateData": "validate_data", "ValidateModel": "validate_model"}
    for state, function in steps.items():
        (caught,) = states[state]["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "RejectUpload")
        assert caught["Assign"] == {"step": function, "stopped": "{% $states.errorOutput %}"}
    payload = states["RejectUpload"]["Arguments"]["Payload"]
    assert set(payload) == {"key", "execution", "step", "stopped"}
    assert states[states["RejectUpload"]["Next"]]["Choices"][0]["Next"] == "StartRollout"
    assert states[states[states["RejectUpload"]["Next"]]["Default"]]["Type"] == "Fail"
    assert _hours_tried(states["RejectUpload"]) > 6


def _hours_tried(state: Json) -> float:
    (retry,) = state["Retry"]
    waits = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"])
        for attempt in range(retry["MaxAttempts"])
    ]
    assert waits[3] <= 60  # a stumble is over in a minute
    return float(sum(waits)) / 3_600


def test_a_rollout_that_fails_is_rolled_back(aws: Assembly) -> None:
    """Whatever goes wrong once a rollout exists, traffic goes back, and the execution ends as failed."""
    states = _states(aws, "rollout")

    for state in ("PublishRelease", "ShadowCandidate", "AdvanceRollout"):
        (caught,) = states[state]["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "RollBack")
    assert states[states["RollBack"]["Next"]]["Type"] == "Fail"
    assert "Catch" not in states["StartRollout"]


def test_taking_a_rollout_back_outlasts_an_outage(aws: Assembly) -> None:
    """Nobody else frees the lock and the traffic of a rollout whose machine has given up, so it tries for hours."""
    assert _hours_tried(_states(aws, "rollout")["RollBack"]) > 6


def test_a_shadow_comes_before_the_first_step(aws: Assembly) -> None:
    """The machine says that it can carry one; when one is passed, the release's publisher begins the first step."""
    states = _states(aws, "rollout")
    ways = {choice["Condition"].split("'")[1]: choice["Next"] for choice in states["IsInProgress"]["Choices"]}

    assert states["PublishRelease"]["Arguments"]["Payload"]["shadows"] is True
    assert ways == {"in_progress": "WaitForTick", "shadowing": "WaitForShadow", "shadowed": "PublishRelease"}
    assert states["WaitForShadow"]["Next"] == "ShadowCandidate"
    assert states["ShadowCandidate"]["Next"] == "IsInProgress"
    assert set(ways) == set(Stage)


def test_a_release_cannot_start_two_rollouts(aws: Assembly) -> None:
    """The rollout's execution has a name that follows from the release's, and finding it there is no error."""
    start = _states(aws, "release")["StartRollout"]

    assert "$states.context.Execution.Name" in start["Arguments"]["Name"]
    assert start["Catch"][0]["ErrorEquals"] == ["StepFunctions.ExecutionAlreadyExistsException"]


@pytest.mark.parametrize(("name", "after"), [("release", "ValidateModel"), ("retraining", "TrainModel")])
def test_data_are_looked_through_before_a_model_is_measured_or_trained(aws: Assembly, name: str, after: str) -> None:
    """Only what was accepted goes on; a retraining that ends so has failed, with the reason."""
    states = _states(aws, name)
    leading = [state for state, body in states.items() if after in json.dumps(body) and state != after]
    assert leading == ["IsAccepted"]
    assert states["ValidateData"]["Next"] == "IsAccepted"
    rejected = states[states["IsAccepted"]["Default"]]
    assert rejected["Type"] == ("Succeed" if name == "release" else "Fail")
    if rejected["Type"] == "Fail":
        assert rejected["Error"] == "DataRejected"
        assert "$states.input.reason" in rejected["Cause"]


def test_a_part_of_a_batch_needs_nothing_but_its_item(aws: Assembly) -> None:
    """A distributed map's parts see no variables of the machine; one that fails leaves the others to be done."""
    parts = _states(aws, "batch")["PredictParts"]
    processor = parts["ItemProcessor"]

    assert processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert parts["ToleratedFailurePercentage"] == 100
    assert parts["MaxConcurrency"] <= 10
    for state in processor["States"].values():
        assert state["Arguments"]["Payload"] == "{% $states.input %}"
        assert any("States.ALL" in retry["ErrorEquals"] for retry in state["Retry"])


def test_a_batch_that_is_not_whole_fails(aws: Assembly) -> None:
    """Only a manifest is success."""
    states = _states(aws, "batch")

    assert states[states["IsWhole"]["Default"]]["Type"] == "Fail"
    assert "succeeded" in states["IsWhole"]["Choices"][0]["Condition"]


def test_only_the_batch_machine_may_run_parts_of_its_own(aws: Assembly) -> None:
    """A distributed map starts its own machine's executions, and looks after those alone."""
    found = [
        (action, json.dumps(statement["Resource"]))
        for policy in aws.resources("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action in {"states:DescribeExecution", "states:StopExecution"}
    ]

    assert sorted(action for action, _ in found) == ["states:DescribeExecution", "states:StopExecution"]
    assert all(":execution:serinus-batch/*" in resource for _, resource in found)
    assert all("serinus-batch" in arn for _, resource in found for arn in resource.split(":execution:")[1:])


@pytest.mark.parametrize("cloud", ["aws", "local"])
def test_a_rollout_whose_execution_ends_early_is_rolled_back(cloud: str, request: pytest.FixtureRequest) -> None:
    """Stopped, timed out or failed, an execution frees the lock and traffic; what cannot be delivered is kept."""
    assembly: Assembly = request.getfixturevalue(cloud)
    (rule,) = (
        rule
        for rule in assembly.resources("AWS::Events::Rule")
        if rule.properties.get("EventPattern", {}).get("source") == ["aws.states"]
    )
    pattern = rule.properties["EventPattern"]
    (target,) = rule.properties["Targets"]
    machines = {
        machine.logical_id: machine.properties["StateMachineName"]
        for machine in assembly.resources("AWS::StepFunctions::StateMachine")
    }
    transformer = target["InputTransformer"]
    template = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        template = template.replace(f"<{name}>", json.dumps(path))

    assert "EventBusName" not in rule.properties
    assert pattern["detail-type"] == ["Step Functions Execution Status Change"]
    assert pattern["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert [machines[arn["Ref"]] for arn in pattern["detail"]["stateMachineArn"]] == ["serinus-rollout"]
    assert json.loads(template) == {"execution": "$.detail.executionArn", "cause": "$.detail.status"}
    assert target["Arn"]["Fn::GetAtt"][0] == assembly.functions()["serinus-roll-back"].logical_id
    assert target["DeadLetterConfig"]["Arn"]
