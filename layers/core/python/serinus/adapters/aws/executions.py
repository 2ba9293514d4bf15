"""Executions of a state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsExecutions:
    """`Executions` on Step Functions, which remembers a name for 90 days after its execution has ended."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn

    def start(self, name: str, payload: Mapping[str, object]) -> str | None:
        """Start one, and return its ARN; `None`, and nothing started, where one of that name has ended.

        While that one runs, Step Functions answers the same start as it did the first time, and so does this.
        """
        try:
            return self._client.start_execution(
                stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(payload)
            )["executionArn"]
        except ClientError as error:
            if code_of(error) == "ExecutionAlreadyExists":
                return None
            raise
