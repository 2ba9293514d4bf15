"""`RollBacks`: the function `roll_back` is asked, and answers in the same words, here and on Lambda."""

from __future__ import annotations

import io
import json

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from serinus.adapters.aws.roll_backs import LambdaRollBacks
from serinus.domain.policy import EndpointName
from serinus.domain.rollout import Split
from serinus.errors import Conflict, NotFound, ReleaseFailed
from serinus.use_cases.ports.rollouts import ReturnedTraffic, RollBackWish

WISH = RollBackWish(EndpointName("fraud"), "ann", "aborted: complaints", rollout="v2-0123456789")
ASKED = {
    "FunctionName": "serinus-roll-back",
    "Payload": json.dumps(
        {
            "endpoint": "fraud",
            "reason": "aborted: complaints",
            "requested_by": "ann",
            "rollout": "v2-0123456789",
        }
    ).encode(),
}


@pytest.fixture
def stubbed() -> tuple[LambdaRollBacks, Stubber]:
    """The adapter on a client that answers as it is told; moto runs no code."""
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    return LambdaRollBacks(client), Stubber(client)


def _payload(document: object) -> StreamingBody:
    text = json.dumps(document).encode()
    return StreamingBody(io.BytesIO(text), len(text))


def test_what_the_function_did_is_returned(stubbed: tuple[LambdaRollBacks, Stubber]) -> None:
    """Where traffic goes now."""
    roll_backs, stub = stubbed
    answer = {
        "endpoint": "fraud",
        "status": "rolled_back",
        "stable": 2,
        "candidate": None,
        "candidate_percent": 0,
        "rollout": "v2-0123456789",
        "reason": "aborted: complaints",
    }
    stub.add_response("invoke", {"Payload": _payload(answer)}, ASKED)
    with stub:
        returned = roll_backs.ask(WISH)
    assert returned == ReturnedTraffic(Split(2), "v2-0123456789", True, "aborted: complaints")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        ("RevisionChanged", Conflict),
        ("RolloutNotFound", NotFound),
        ("ReleaseNotFound", NotFound),
        ("Sandbox.Timedout", ReleaseFailed),
        ("ClientError", ReleaseFailed),
        ("annotations", ReleaseFailed),
    ],
)
def test_its_errors_keep_their_kind_and_their_words(
    stubbed: tuple[LambdaRollBacks, Stubber], raised: str, kind: type[Exception]
) -> None:
    """What is none of ours is a failure of the function."""
    roll_backs, stub = stubbed
    failed = {"errorType": raised, "errorMessage": "it was changed"}
    stub.add_response("invoke", {"FunctionError": "Unhandled", "Payload": _payload(failed)}, ASKED)
    with stub, pytest.raises(kind, match="it was changed"):
        roll_backs.ask(WISH)
