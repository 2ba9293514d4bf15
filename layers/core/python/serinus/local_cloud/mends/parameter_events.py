"""A change of a parameter is an event on the default bus.

AWS: creating, updating and deleting a parameter, through the API or CloudFormation, is published to EventBridge as
``Parameter Store Change``, with its name and the operation.

Stock: no event.

Mended: published where ministack stores and deletes parameters.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import eventbridge, ssm

from serinus.local_cloud.mends.replacing import replace


def _announce(operation: str, parameter: dict[str, Any]) -> None:
    detail = {"operation": operation, "name": parameter["Name"], "type": parameter["Type"]}
    described = {"description": parameter["Description"]} if parameter.get("Description") else {}
    entry = {
        "Source": "aws.ssm",
        "DetailType": "Parameter Store Change",
        "Resources": [parameter["ARN"]],
        "Detail": json.dumps(detail | described),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _put(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def put(data: dict[str, Any]) -> Any:  # noqa: ANN401
        answer = original(data)
        if answer[0] == 200:
            parameter = ssm._parameters[data["Name"]]
            _announce("Create" if parameter["Version"] == 1 else "Update", parameter)
        return answer

    return put


def _delete(original: Any) -> Any:  # noqa: ANN401
    def delete(data: dict[str, Any]) -> Any:  # noqa: ANN401
        named = [data["Name"]] if data.get("Name") else data.get("Names", [])
        known = [found for name in named if (found := ssm._lookup_parameter(name)[1])]
        answer = original(data)
        for parameter in known:
            if parameter["Name"] not in ssm._parameters:
                _announce("Delete", parameter)
        return answer

    return delete


def apply() -> None:
    """Apply the mend."""
    replace(ssm, "_put_parameter", _put)
    replace(ssm, "_delete_parameter", _delete)
    replace(ssm, "_delete_parameters", _delete)
