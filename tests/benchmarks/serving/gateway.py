"""API Gateway's event of a request to an HTTP API, payload format 2.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ID, _API = "JKJaXmPLvHcESHA=", "abc123"
_DOMAIN = f"{_API}.execute-api.us-east-1.amazonaws.com"
_ACCOUNT = "123456789012"


def event(path: str, headers: Mapping[str, str], body: str) -> dict[str, Any]:
    """Return the event of a POST, with everything that API Gateway sends along."""
    route = f"POST {path}"
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": _ACCOUNT,
            "apiId": _API,
            "domainName": _DOMAIN,
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": _ID,
            "routeKey": route,
            "stage": "$default",
            "time": "10/Mar/2026:10:00:00 +0000",
            "timeEpoch": 1_773_136_800_000,
        },
        "pathParameters": {"proxy": path.rpartition("/")[2]},
        "body": body,
        "isBase64Encoded": False,
    }
