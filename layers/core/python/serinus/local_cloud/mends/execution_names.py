"""Starting an execution again by its name, while it runs, is answered with the execution.

AWS: ``StartExecution`` of a standard state machine is idempotent: with the name and the input of an execution that is
running, it returns that one; another input, or an execution that has ended, is ``ExecutionAlreadyExists``.

Stock: any name that was used before is ``ExecutionAlreadyExists``.

Mended: as AWS.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import stepfunctions

from serinus.local_cloud.mends.replacing import replace


def _start(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    def start(data: dict[str, Any]) -> Any:  # noqa: ANN401
        machine = stepfunctions._state_machines.get(data.get("stateMachineArn", ""))
        arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{(machine or {}).get('name')}:"
        known = stepfunctions._executions.get(arn + str(data.get("name")))
        if known is None or known["status"] != "RUNNING" or known["input"] != data.get("input", "{}"):
            return original(data)
        return json_response({"executionArn": known["executionArn"], "startDate": known["startDate"]})

    return start


def apply() -> None:
    """Apply the mend."""
    replace(stepfunctions, "_start_execution", _start)
