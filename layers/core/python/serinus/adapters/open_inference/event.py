"""The HTTP side of a request: API Gateway's event (payload format 2.0) and the response to it."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from serinus.errors import RequestRefused
from serinus.settings import LATENCY_HEADER

MAXIMUM_BODY_BYTES = 6_000_000  # Lambda takes and gives 6 MB
JSON = "application/json"
BINARY = "application/octet-stream"

Event = Mapping[str, Any]

_NO_HEADERS: Mapping[str, str] = {}


class Reply(NamedTuple):
    """What an HTTP caller is given; a body of bytes travels in base64, which API Gateway takes off again."""

    status: int
    body: str | bytes
    headers: Mapping[str, str] = _NO_HEADERS

    def timed(self, latency_ms: float) -> Reply:
        """Return it with the time it took, as a rollout that asks wants to know."""
        return Reply(self.status, self.body, {**self.headers, LATENCY_HEADER: f"{latency_ms:.3f}"})

    def as_event(self) -> dict[str, Any]:
        """Return it as API Gateway takes it."""
        packed = isinstance(self.body, bytes)
        return {
            "statusCode": self.status,
            "headers": {"content-type": BINARY if packed else JSON, **self.headers},
            "body": _packed(self.body) if isinstance(self.body, bytes) else self.body,
            "isBase64Encoded": packed,
        }


def encode_error(message: str) -> str:
    """Return the body of a refusal or a failure."""
    return json.dumps({"error": sayable(message)})


def sayable(text: str) -> str:
    """Return a text as UTF-8 can say it: a hostile caller's half of a surrogate pair becomes a question mark.

    >>> sayable("g" + chr(0xD800) + "p")
    'g?p'
    """
    return text.encode(errors="replace").decode()


def is_probe(event: Event) -> bool:
    """Whether a rollout asks, not a caller: API Gateway never writes that key, so no caller can forge it."""
    return _mark(event, "probe")


def is_unrecorded(event: Event) -> bool:
    """Whether the request leaves no record: a rollout's probe, or a caller who named a version.

    Neither was sent by the alias's choice, so that neither is evidence of how a release fares.
    """
    return "serinus" in event and (_mark(event, "probe") or _mark(event, "named_version"))


def method_of(event: Event) -> str:
    """Return the HTTP method, in capitals."""
    method = _mapping(_mapping(event.get("requestContext")).get("http")).get("method", "POST")
    return method.upper()[:20] if isinstance(method, str) else "?"


def path_of(event: Event) -> str | None:
    """Return the path without the stage's name, which API Gateway leaves in front of it, and a trailing slash."""
    path = event.get("rawPath")
    if not isinstance(path, str):
        return None
    stage = _mapping(event.get("requestContext")).get("stage")
    if isinstance(stage, str) and stage != "$default" and path.startswith(f"/{stage}/"):
        path = path[len(stage) + 1 :]
    return path.rstrip("/") or "/"


def header(event: Event, name: str) -> str | None:
    """Return a header by its name in small letters, as API Gateway writes it."""
    value = _mapping(event.get("headers")).get(name)
    return value.strip() if isinstance(value, str) else None


def body_of(event: Event) -> str | bytes:
    """Return the request's body: bytes where it came in base64, else the text that API Gateway read.

    Raises:
        RequestRefused: 413 above 6 MB, 415 where it is compressed, 400 where there is none or no base64 as promised.
    """
    body = event.get("body")
    text = body if isinstance(body, str) else ""
    packed = event.get("isBase64Encoded") is True
    _refuse_too_large(len(text) * 3 // 4 - 2 if packed else len(text))  # before anything is read
    encoding = header(event, "content-encoding")
    if encoding and encoding.lower() != "identity":
        raise RequestRefused(f"the body is {encoding[:40]}-encoded: send it plain", status=415)
    found = _unpacked(text) if packed else text
    if not text.isascii():
        _refuse_too_large(len(text.encode("utf-8", errors="surrogatepass")))
    if not found or found.isspace():
        raise RequestRefused('the body is empty: send {"inputs": [...]} as JSON')
    return found


def refuse_content_type(event: Event, body: str | bytes, takes: str = JSON) -> None:
    """Check that a body may be JSON; even curl calls it a form unless it is told, so an object is taken by its looks.

    Raises:
        RequestRefused: 415 where it clearly is none; `takes` says what to send.
    """
    kind = header(event, "content-type")
    if kind and "json" not in kind.lower() and body.lstrip()[:1] not in {"{", b"{"}:
        raise RequestRefused(f"the content type is {kind[:80]!r}: send {takes}", status=415)


def _refuse_too_large(size: int) -> None:
    if size > MAXIMUM_BODY_BYTES:
        raise RequestRefused(
            f"the body has {size:,} bytes, above the limit of {MAXIMUM_BODY_BYTES:,}: send fewer rows at a time",
            status=413,
        )


def _packed(body: bytes) -> str:
    import pybase64

    return pybase64.b64encode_as_string(body)


def _unpacked(text: str) -> bytes:
    import pybase64  # 35 times as quick as the standard library; bodies of text need not wait for its import

    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestRefused("the body is not the base64 that the event promises: send plain JSON") from error


def _mark(event: Event, name: str) -> bool:
    mark = event.get("serinus")
    return isinstance(mark, dict) and mark.get(name) is True


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
