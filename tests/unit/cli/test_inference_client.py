"""Asking an endpoint: signatures, connections, answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from botocore.credentials import Credentials
from botocore.exceptions import NoRegionError

from serinus.adapters.aws.signed_calls import SignedCalls
from serinus.cli.inference_client import InferenceClient, infer_url

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")
ASKED = {"inputs": [{"name": "features", "shape": [1, 1], "datatype": "FP32", "data": [1.5]}]}


class _Endpoint(BaseHTTPRequestHandler):
    """Answers with what it was sent; counts the connections."""

    protocol_version = "HTTP/1.1"
    connections: set[tuple[str, int]]
    status = 200
    body: bytes | None = None

    def do_POST(self) -> None:
        self.connections.add(self.client_address)
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        told = {"path": self.path, "asked": json.loads(asked), "authorisation": self.headers["Authorization"]}
        answer = self.body if self.body is not None else json.dumps(told).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint(socket_enabled: None) -> Iterator[tuple[str, type[_Endpoint]]]:
    """Return a server's URL, and its handler to adjust; on loopback, because connections are what is tested."""
    del socket_enabled

    class Handler(_Endpoint):
        connections: set[tuple[str, int]] = set()  # noqa: RUF012 - one set a test is the point

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    thread.join()
    server.server_close()


def client(url: str) -> InferenceClient:
    """Return a client of the endpoint fraud."""
    return InferenceClient(infer_url(url, "fraud"), credentials=CREDENTIALS, region="eu-west-1")


def test_requests_are_signed_for_the_api(endpoint: tuple[str, type[_Endpoint]]) -> None:
    """SigV4 for execute-api, over the body and the session token."""
    url, _ = endpoint
    asker = client(url)
    status, answer = asker.infer(ASKED)
    asker.close()
    assert status == 200
    assert isinstance(answer, dict)
    assert (answer["path"], answer["asked"]) == ("/v2/models/fraud/infer", ASKED)
    assert answer["authorisation"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/execute-api/aws4_request" in answer["authorisation"]
    assert "x-amz-security-token" in answer["authorisation"]


def test_connections_are_reused(endpoint: tuple[str, type[_Endpoint]]) -> None:
    """One after the other, all go through one connection."""
    url, handler = endpoint
    asker = client(url)
    for _ in range(5):
        asker.infer(ASKED)
    asker.close()
    assert len(handler.connections) == 1


def test_many_threads_may_share_a_client(endpoint: tuple[str, type[_Endpoint]]) -> None:
    """Every thread gets the answer to its own question."""
    url, _ = endpoint
    asker = client(url)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: asker.infer({"id": str(number)}), range(50)))
    asker.close()
    assert [answer["asked"]["id"] for _, answer in answers if isinstance(answer, dict)] == [str(n) for n in range(50)]


def test_what_is_no_json_comes_back_as_text(endpoint: tuple[str, type[_Endpoint]]) -> None:
    """A gateway's error page must not hide the status."""
    url, handler = endpoint
    handler.status, handler.body = 502, b"<html>Bad Gateway</html>"
    asker = client(url)
    assert asker.infer(ASKED) == (502, "<html>Bad Gateway</html>")
    asker.close()


def test_nobody_listening_is_urllib3s_error(socket_enabled: None) -> None:
    """After two more tries to connect."""
    del socket_enabled
    asker = InferenceClient("http://127.0.0.1:9/infer", credentials=CREDENTIALS, region="r", timeout_seconds=0.5)
    with pytest.raises(urllib3.exceptions.HTTPError):
        asker.infer(ASKED)


def test_the_region_is_read_from_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API's address names it; a local one does not, and then it must be configured."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    address = "https://a1.execute-api.eu-west-1.amazonaws.com/x"
    signed = SignedCalls(address, credentials=CREDENTIALS).headers("GET", address, b"")
    assert "/eu-west-1/execute-api/aws4_request" in signed["Authorization"]
    with pytest.raises(NoRegionError):
        InferenceClient("http://127.0.0.1:1/x", credentials=CREDENTIALS).infer(ASKED)
