"""`Invocations`: a published release is asked directly."""

from __future__ import annotations

import io
import json

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from serinus.adapters.aws.invocations import LambdaInvocations
from serinus.errors import ReleaseBusy, ReleaseFailed, ReleaseNotFound
from tests.contract.builders import a_release

EVENT = {"rawPath": "/v2/models/fraud"}
REQUEST = {
    "FunctionName": "serinus-endpoint-fraud",
    "Qualifier": "7",
    "Payload": json.dumps(EVENT).encode(),
}


@pytest.fixture
def stubbed() -> tuple[LambdaInvocations, Stubber]:
    """The adapter on a client that answers as it is told; moto runs no code."""
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    return LambdaInvocations(client), Stubber(client)


def _payload(text: str) -> StreamingBody:
    return StreamingBody(io.BytesIO(text.encode()), len(text))


def test_the_releases_own_answer_is_returned(stubbed: tuple[LambdaInvocations, Stubber]) -> None:
    """By its number, past the alias."""
    invocations, stub = stubbed
    stub.add_response("invoke", {"Payload": _payload('{"statusCode": 404}')}, REQUEST)
    with stub:
        assert invocations.ask(a_release(7), EVENT) == {"statusCode": 404}


def test_a_pruned_release_is_not_found(stubbed: tuple[LambdaInvocations, Stubber]) -> None:
    """Lambda says that there is no such resource."""
    invocations, stub = stubbed
    stub.add_client_error("invoke", "ResourceNotFoundException", expected_params=REQUEST)
    with stub, pytest.raises(ReleaseNotFound, match="release 7"):
        invocations.ask(a_release(7), EVENT)


def test_a_release_that_sleeps_gives_no_answer(stubbed: tuple[LambdaInvocations, Stubber]) -> None:
    """Asking has woken it; whoever asked is told to ask again."""
    invocations, stub = stubbed
    stub.add_client_error("invoke", "SnapStartNotReadyException", expected_params=REQUEST)
    with stub, pytest.raises(ReleaseFailed, match="being woken"):
        invocations.ask(a_release(7), EVENT)


def test_lambda_may_have_no_room(stubbed: tuple[LambdaInvocations, Stubber]) -> None:
    """That is no fault of the release's."""
    invocations, stub = stubbed
    stub.add_client_error("invoke", "TooManyRequestsException", expected_params=REQUEST)
    with stub, pytest.raises(ReleaseBusy, match="release 7"):
        invocations.ask(a_release(7), EVENT)


def test_a_release_that_raises_has_failed(stubbed: tuple[LambdaInvocations, Stubber]) -> None:
    """The message carries what it said."""
    invocations, stub = stubbed
    stub.add_response("invoke", {"FunctionError": "Unhandled", "Payload": _payload('{"errorType": "X"}')}, REQUEST)
    with stub, pytest.raises(ReleaseFailed, match="errorType"):
        invocations.ask(a_release(7), EVENT)
