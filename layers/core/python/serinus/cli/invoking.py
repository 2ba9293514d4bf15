"""Has a control-plane function do what a person may not do with their own hands."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from serinus import settings
from serinus.errors import SerinusError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class FunctionFailed(SerinusError):
    """The function says that it could not; the text is its own."""


def invoke(functions: LambdaClient, verb_noun: str, payload: Mapping[str, object]) -> dict[str, Any]:
    """Call a function and return its answer.

    Raises:
        FunctionFailed: it raised an error.
    """
    answer = functions.invoke(FunctionName=settings.function_name(verb_noun), Payload=json.dumps(payload).encode())
    with answer["Payload"] as body:
        said: dict[str, Any] = json.loads(body.read())
    if answer.get("FunctionError"):
        raise FunctionFailed(str(said.get("errorMessage") or f"the function {verb_noun} failed; its log says why"))
    return said


def caller() -> str:
    """Return who asks, for the record: as AWS knows them, else as this machine does.

    A token must not stay good because STS does not answer: Lambda checks the credentials anyway.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    try:
        return str(boto3.client("sts", config=patience).get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return f"{getpass.getuser()} (as their machine says)"
