"""One suite a port, run against memory and against moto, so that the fakes cannot drift from AWS."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping

import pytest
from botocore.awsrequest import AWSPreparedRequest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from pytest_socket import disable_socket, enable_socket

from serinus.adapters.aws.clients import Clients
from tests.contract.clouds import AwsCloud, Cloud, MemoryCloud


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    """Clients that moto answers; making them is most of a test's time, so they are made once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        clients = Clients()
        clients.functions.meta.events.register("after-call.lambda.GetFunctionConfiguration", _with_revision)
        yield clients


@pytest.fixture(scope="session")
def one_call_at_a_time() -> Iterator[None]:
    """AWS carries out each call as a whole, which moto's dictionaries do not promise to racing threads."""
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def answer_alone(self: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **fields: object) -> object:
        with lock:
            return answer(self, event_name, request, **fields)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "__call__", answer_alone)
        yield


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads interrupt one another a thousand times as often, so that a race is run and not missed."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1_000)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def closed_sockets() -> Iterator[None]:
    """Below the end-to-end tests nothing reaches a network."""
    disable_socket()
    yield
    enable_socket()


@pytest.fixture
def aws(clients: Clients, closed_sockets: None, one_call_at_a_time: None) -> Iterator[AwsCloud]:  # noqa: ARG001  # asked for their effects
    """A fresh account of moto's."""
    with mock_aws():
        cloud = AwsCloud(clients)
        clients.events.meta.events.register("provide-client-params.events.PutEvents", cloud.note_sent)
        yield cloud
        clients.events.meta.events.unregister("provide-client-params.events.PutEvents", cloud.note_sent)


@pytest.fixture(params=["memory", "aws"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each world in turn."""
    if request.param == "aws":
        found: AwsCloud = request.getfixturevalue("aws")
        return found
    request.getfixturevalue("closed_sockets")
    return MemoryCloud()


def _with_revision(parsed: dict[str, object], **_: Mapping[str, object]) -> None:
    """Add the `RevisionId` that AWS gives every function configuration, and moto leaves out."""
    parsed["RevisionId"] = hashlib.sha256(json.dumps(parsed, default=str).encode()).hexdigest()
