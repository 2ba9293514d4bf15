"""Asking the control API: paths, and errors in words."""

from __future__ import annotations

from typing import Any, cast

import pytest
import urllib3

from serinus.adapters.aws.control_api import ControlApiClient
from serinus.errors import ControlApiFailed


class Calls:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.asked: list[tuple[str, str, bytes]] = []

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Answer."""
        self.asked.append((method, path, body))
        if self.status == 0:
            raise urllib3.exceptions.ReadTimeoutError(cast("Any", None), path, "timed out")
        return self.status, self.body


def client(calls: Calls) -> ControlApiClient:
    """Return the client of an API that answers so."""
    return ControlApiClient(cast("Any", calls))


def test_parts_of_a_path_are_quoted() -> None:
    """So that no name of an endpoint leads to another route."""
    calls = Calls(200, b'{"a": 1}')
    assert client(calls).post("endpoints", "a/b?c", "rollback", body={"reason": "why"}) == {"a": 1}
    assert client(calls).get("endpoints", "fraud", "rollouts", at_most=5) == {"a": 1}
    assert calls.asked == [
        ("POST", "/endpoints/a%2Fb%3Fc/rollback", b'{"reason": "why"}'),
        ("GET", "/endpoints/fraud/rollouts?at_most=5", b""),
    ]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (409, b'{"error": "it has ended"}', "it has ended"),
        (403, b'{"error": "the caller is not known"}', "the caller is not known"),
        (403, b'{"message": "Forbidden"}', "AWS denies you GET /endpoints: it takes execute-api:Invoke"),
        (500, b'{"message": "Internal Server Error"}', "answered GET /endpoints with 500: Internal Server Error"),
        (502, b"<html>", "answered GET /endpoints with 502: its log says why"),
        (0, b"", "look whether it was done before you ask again"),
    ],
)
def test_errors_are_one_sentence(status: int, body: bytes, said: str) -> None:
    """Our own, or what stands for those of the gateway and of the network."""
    with pytest.raises(ControlApiFailed) as failed:
        client(Calls(status, body)).get("endpoints")
    assert said in str(failed.value)
    assert failed.value.status == status


def test_no_answer_is_ever_taken_for_a_good_one() -> None:
    """What is no document is an error, whatever its status."""
    with pytest.raises(ControlApiFailed):
        client(Calls(200, b"<html>captive portal</html>")).get("endpoints")
    assert client(Calls(200, b"{}")).get("endpoints") == {}
