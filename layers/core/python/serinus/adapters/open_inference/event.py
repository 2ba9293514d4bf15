"""The HTTP side of a request: API Gateway's event (payload format 2.0) and the response to it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from serinus.errors import RequestRefused

MAXIMUM_BODY_BYTES = 6_000_000  # Lambda takes and gives 6 MB

Event = Mapping[str, Any]


def is_probe(event: Event) -> bool:
    """Whether a rollout asks, not a caller: API Gateway never writes that key, so no caller can forge it."""
    mark = event.get("serinus")
    return isinstance(mark, dict) and mark.get("probe") is True


def body_of(event: Event, endpoint: str) -> bytes:
    """Return the request's body.

    Raises:
        RequestRefused: 404 where another endpoint is asked, 405 for another method than POST, 413 above 6 MB, 415
            where it is clearly no JSON, 400 where there is no body or no base64 as promised.
    """
    _refuse_other_paths(event, endpoint)
    body = _bytes(event)
    if len(body) > MAXIMUM_BODY_BYTES:
        raise RequestRefused(
            f"the body has {len(body):,} bytes, above the limit of {MAXIMUM_BODY_BYTES:,}: send fewer rows at a time",
            status=413,
        )
    if not body.strip():
        raise RequestRefused('the body is empty: send {"inputs": [...]} as JSON')
    _refuse_other_content(event, body)
    return body


def response(status: int, body: str) -> dict[str, Any]:
    """Return the event's answer."""
    headers = {"content-type": "application/json"}
    if status == 405:
        headers["allow"] = "POST"
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def _refuse_other_paths(event: Event, endpoint: str) -> None:
    path = event.get("rawPath")
    here = f"/v2/models/{endpoint}/infer"
    if isinstance(path, str) and not path.endswith(here):
        raise RequestRefused(f"{path[:200]!r} is not served here: POST to {here}", status=404)
    http = _mapping(_mapping(event.get("requestContext")).get("http"))
    method = http.get("method", "POST")
    if method != "POST":
        raise RequestRefused(f"{str(method)[:20]} is not answered here: POST to {here}", status=405)


def _bytes(event: Event) -> bytes:
    body = event.get("body")
    if not isinstance(body, str):
        return b""
    if event.get("isBase64Encoded") is True:
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RequestRefused("the body is not the base64 that the event promises: send plain JSON") from error
    return body.encode("utf-8", errors="surrogatepass")


def _refuse_other_content(event: Event, body: bytes) -> None:
    headers = _mapping(event.get("headers"))
    encoding = headers.get("content-encoding")
    if isinstance(encoding, str) and encoding.strip().lower() not in {"", "identity"}:
        raise RequestRefused(f"the body is {encoding[:40]}-encoded: send it plain", status=415)
    kind = headers.get("content-type", "application/json")
    if isinstance(kind, str) and "json" not in kind.lower() and not body.lstrip().startswith(b"{"):
        raise RequestRefused(f"the content type is {kind[:80]!r}: send application/json", status=415)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
