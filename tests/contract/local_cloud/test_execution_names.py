"""Starting an execution again by its name."""

from __future__ import annotations

import pytest

from tests.contract.local_cloud.bench import Bench, eventually, unique

pytestmark = pytest.mark.e2e


def test_the_same_start_again_is_the_same_execution(bench: Bench) -> None:
    """While it runs; another input, or a name whose execution has ended, is refused."""
    waiting = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 2, "End": True}}}
    machine, name = bench.make_machine(waiting), unique("execution")
    refused = bench.machines.exceptions.ExecutionAlreadyExists

    def start(text: str = '{"a": 1}') -> str:
        return bench.machines.start_execution(stateMachineArn=machine, name=name, input=text)["executionArn"]

    first = start()
    assert start() == first
    with pytest.raises(refused):
        start('{"a": 2}')
    eventually(lambda: bench.machines.describe_execution(executionArn=first)["status"] == "SUCCEEDED")
    with pytest.raises(refused):
        start()
