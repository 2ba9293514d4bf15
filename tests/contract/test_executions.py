"""`Executions`: one of a name at a time, whoever begins it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from serinus.adapters.aws.executions import StepFunctionsExecutions
from serinus.adapters.memory.executions import MemoryExecutions
from serinus.use_cases.ports.rollouts import Executions
from tests.contract.clouds import AwsCloud, Cloud

WANTED: dict[str, object] = {"endpoint": "fraud", "version": 3}


@dataclass(frozen=True)
class World:
    """The port, and how a test ends an execution."""

    executions: Executions
    end: Callable[[str], object]
    inputs: Callable[[], list[dict[str, object]]]


@pytest.fixture
def world(cloud: Cloud) -> World:
    """Executions of the rollout machine."""
    if isinstance(cloud, AwsCloud):
        return _on_aws(cloud)
    executions = MemoryExecutions()

    def begun() -> list[dict[str, object]]:
        return [dict(payload) for payload in executions.started.values()]

    return World(executions, executions.ended.add, begun)


def _on_aws(cloud: AwsCloud) -> World:
    client = cloud.clients.state_machines
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 9, "End": True}}}
    machine = client.create_state_machine(
        name="serinus-rollout",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/rollout",
    )["stateMachineArn"]

    def listed() -> list[str]:
        return [found["executionArn"] for found in client.list_executions(stateMachineArn=machine)["executions"]]

    def end(name: str) -> None:
        (arn,) = [arn for arn in listed() if arn.endswith(f":{name}")]
        client.stop_execution(executionArn=arn)

    def inputs() -> list[dict[str, object]]:
        return [json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in listed()]

    return World(StepFunctionsExecutions(client, machine), end, inputs)


def test_an_execution_is_begun_with_what_it_carries(world: World) -> None:
    """Each name is one execution."""
    assert world.executions.start("fraud-v3-0a", WANTED)
    assert world.inputs() == [WANTED]


def test_the_same_again_is_the_same(world: World) -> None:
    """While it is under way; another name is another one."""
    first = world.executions.start("fraud-v3-0a", WANTED)
    assert world.executions.start("fraud-v3-0a", WANTED) == first
    assert world.executions.start("fraud-v3-0b", WANTED) != first
    assert len(world.inputs()) == 2


def test_a_name_stands_for_one_thing(world: World) -> None:
    """With something else to carry it is refused."""
    world.executions.start("fraud-v3-0a", WANTED)
    assert world.executions.start("fraud-v3-0a", {**WANTED, "version": 4}) is None
    assert world.inputs() == [WANTED]


def test_a_name_is_not_used_again_after_the_end(world: World) -> None:
    """So that a request that comes late begins nothing."""
    world.executions.start("fraud-v3-0a", WANTED)
    world.end("fraud-v3-0a")
    assert world.executions.start("fraud-v3-0a", WANTED) is None
