"""A changed parameter is announced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.local_cloud.bench import Bench, eventually, unique

pytestmark = pytest.mark.e2e


def _stack(bench: Bench, name: str, parameter: str, value: str) -> None:
    """Create or update a stack of one parameter."""
    properties = {"Name": parameter, "Type": "String", "Value": value}
    body = json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}}})
    exists = any(stack["StackName"] == name for stack in bench.stacks.describe_stacks()["Stacks"])
    (bench.stacks.update_stack if exists else bench.stacks.create_stack)(StackName=name, TemplateBody=body)
    eventually(
        lambda: bench.stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"].endswith("E_COMPLETE")
    )


def test_every_change_of_a_parameter_is_an_event(bench: Bench) -> None:
    """Through the API and through CloudFormation, with the name and what was done; reading is none."""
    name = f"/{unique('endpoints')}/fraud/runtime"
    queue = bench.forward_events({"source": ["aws.ssm"], "detail": {"name": [{"wildcard": f"{name}*"}]}})

    def told() -> dict[str, Any]:
        event = bench.message_in(queue)
        assert (event["source"], event["detail-type"]) == ("aws.ssm", "Parameter Store Change")
        assert event["resources"] == [f"arn:aws:ssm:us-east-1:000000000000:parameter{event['detail']['name']}"]
        detail: dict[str, Any] = event["detail"]
        return detail

    bench.parameters.put_parameter(Name=name, Value="1", Type="String", Description="what serves")
    assert told() == {"operation": "Create", "name": name, "type": "String", "description": "what serves"}
    bench.parameters.put_parameter(Name=name, Value="2", Overwrite=True)
    assert told()["operation"] == "Update"
    bench.parameters.get_parameter(Name=name)
    with pytest.raises(bench.parameters.exceptions.ParameterAlreadyExists):
        bench.parameters.put_parameter(Name=name, Value="3", Type="String")
    bench.parameters.delete_parameter(Name=name)
    assert told()["operation"] == "Delete"
    stack = unique("Parameter")
    _stack(bench, stack, f"{name}-of-a-stack", "1")
    assert told() == {"operation": "Create", "name": f"{name}-of-a-stack", "type": "String"}
    _stack(bench, stack, f"{name}-of-a-stack", "2")
    assert told() == {"operation": "Update", "name": f"{name}-of-a-stack", "type": "String"}
