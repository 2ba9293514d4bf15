"""`Executions`: each name is started once."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from serinus.adapters.aws.executions import StepFunctionsExecutions
from serinus.adapters.memory.executions import MemoryExecutions
from tests.contract.clouds import AwsCloud

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:serinus-rollout"


def test_a_name_is_started_once_in_memory() -> None:
    """The second start starts nothing."""
    executions = MemoryExecutions()
    assert executions.start("fraud-deploy-1", {"endpoint": "fraud"})
    assert not executions.start("fraud-deploy-1", {"endpoint": "churn"})
    assert executions.started == {"fraud-deploy-1": {"endpoint": "fraud"}}


def test_a_name_is_started_once_on_aws(aws: AwsCloud) -> None:
    """An execution has the name and the payload; a name that was taken is told, and no error."""
    machines = aws.clients.state_machines
    executions = StepFunctionsExecutions(machines, MACHINE)
    with Stubber(machines) as stub:
        wanted = {"stateMachineArn": MACHINE, "name": "fraud-deploy-1", "input": '{"endpoint": "fraud"}'}
        stub.add_response("start_execution", {"executionArn": "arn", "startDate": 0}, wanted)
        stub.add_client_error("start_execution", "ExecutionAlreadyExists")
        stub.add_client_error("start_execution", "StateMachineDoesNotExist")
        assert executions.start("fraud-deploy-1", {"endpoint": "fraud"})
        assert not executions.start("fraud-deploy-1", {"endpoint": "fraud"})
        with pytest.raises(machines.exceptions.StateMachineDoesNotExist):
            executions.start("fraud-deploy-1", {"endpoint": "fraud"})
