"""HTTP/1.1 on bytes: whole messages, halves, chunks, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.serving.gateway import event
from tests.benchmarks.serving.http import NotHttp, answer, first_message, request

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n"


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_message_is_there_when_all_of_it_is(body: bytes, cut: int) -> None:
    """However the bytes arrive: before the last one there is none, then exactly this one."""
    whole = answer(200, {"content-type": "text/plain"}, body)
    assert first_message(whole[: min(cut, len(whole) - 1)]) is None
    found = first_message(bytearray(whole + b"HTTP/1.1 500"))
    assert found is not None
    assert (found.status, found.body, found.length) == (200, body, len(whole))
    assert found.headers["content-type"] == "text/plain"


def test_a_request_is_read_as_it_was_written() -> None:
    """The bare server reads what the load generator sends."""
    found = first_message(request("/v2/models/m/infer", b"{}", "application/json"))
    assert found is not None
    assert found.first == "POST /v2/models/m/infer HTTP/1.1"
    assert (found.body, found.headers["content-type"]) == (b"{}", "application/json")


@pytest.mark.parametrize("cut", range(len(CHUNKED)))
def test_chunks_are_joined_once_the_last_has_come(cut: int) -> None:
    """A server that does not know its answer's length sends it in pieces."""
    assert first_message(CHUNKED[:cut]) is None
    found = first_message(CHUNKED + b"more")
    assert found is not None
    assert (found.body, found.length) == (b"wikipedia", len(CHUNKED))


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_http_is_refused(said: bytes) -> None:
    """Rather than waited for until the benchmark's time is over."""
    with pytest.raises(NotHttp):
        first_message(said)


def test_a_request_has_no_status() -> None:
    """Only answers have one."""
    found = first_message(request("/", b"", "text/plain"))
    assert found is not None
    with pytest.raises(NotHttp, match="not a status line"):
        _ = found.status


def test_the_event_says_what_was_asked() -> None:
    """Path, headers and body are where the function looks for them."""
    made = event("/v2/models/m/infer", {"content-type": "application/json"}, "{}")
    assert (made["rawPath"], made["body"], made["isBase64Encoded"]) == ("/v2/models/m/infer", "{}", False)
    assert made["requestContext"]["http"]["method"] == "POST"
