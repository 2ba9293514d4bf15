"""Executions of the rollout state machine, on Step Functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsExecutions:
    """`Executions` of one state machine.

    Step Functions takes a name again while an execution of it with the same input is under way, and for 90 days
    after its end refuses it.
    """

    def __init__(self, client: SFNClient, machine: str) -> None:
        self._client = client
        self._machine = machine

    def begin(self, endpoint: str, version: int, name: str) -> str | None:
        """Begin a rollout's execution, and return its ARN; `None` where one of that name has ended."""
        wanted = json.dumps({"endpoint": endpoint, "version": version})
        try:
            return self._client.start_execution(stateMachineArn=self._machine, name=name, input=wanted)[
                "executionArn"
            ]
        except ClientError as error:
            if code_of(error) == "ExecutionAlreadyExists":
                return None
            raise
