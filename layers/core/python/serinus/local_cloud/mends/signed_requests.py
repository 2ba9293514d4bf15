"""A route with IAM authorisation takes signed requests only, and tells the function behind who signed.

AWS: a request to such a route that is not signed (SigV4), or is signed by a key that nobody has, or whose signature
does not match, is answered 403 ``{"message":"Forbidden"}``; one that passes fills
``requestContext.authorizer.iam`` with the caller's ``accessKey``, ``accountId``, ``userArn`` and so on.

Stock: whatever has an ``Authorization`` header passes, and no signature is looked at: the key that a request names is
taken for its caller's, and with a key that nobody has the function is told of no caller at all.

Mended: as AWS, but for policies: whoever signs with a key of the account may call every route.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, sigv4
from ministack.services import apigateway

from serinus.local_cloud.errors import MendRefused
from serinus.local_cloud.mends.replacing import replace

_ALGORITHM = "AWS4-HMAC-SHA256 "
_FORBIDDEN = 403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}'


def _handle(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    async def handle(
        host: str,
        path: str,
        method: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        raw_path: str | None = None,
        raw_query_string: str | None = None,
    ) -> Any:  # noqa: ANN401
        if _wants_signature(host, path, method) and not _is_signed(
            method, raw_path or path, headers, body, query_params
        ):
            return _FORBIDDEN
        return await original(
            host, path, method, headers, body, query_params, raw_path=raw_path, raw_query_string=raw_query_string
        )

    return handle


def _wants_signature(host: str, path: str, method: str) -> bool:
    asked = app._parse_execute_api_url(host, path)
    if asked is None or apigateway.find_api_scope(asked[0]) is None:
        return False
    api, tentative, below = asked
    stage, route = app._resolve_stage_and_path(api, tentative, below)
    return bool(apigateway.route_authorization_type(api, stage, method, route) == "AWS_IAM")


def _is_signed(
    method: str, raw_path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
) -> bool:
    """Whether the header's signature is of a key of this account, of now, and over just this request."""
    if not headers.get("authorization", "").startswith(_ALGORITHM):
        return False
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple) or not signature.access_key_id:
        return False
    known = iam_evaluator.resolve_credential(
        signature.access_key_id, session_token=headers.get("x-amz-security-token")
    )
    if not isinstance(known, iam_evaluator.ResolvedCredential) or sigv4.request_time_failure(signature):
        return False
    failure = sigv4.header_signature_failure(
        signature, known.secret_access_key, method, raw_path, query_params, headers, body
    )
    return failure is None


def apply() -> None:
    """Apply the mend.

    Raises:
        MendRefused: ministack is not as the mend expects.
    """
    needed = (
        (app, "_parse_execute_api_url"),
        (app, "_resolve_stage_and_path"),
        (apigateway, "route_authorization_type"),
        (iam_evaluator, "resolve_credential"),
        (sigv4, "header_signature_failure"),
    )
    for owner, name in needed:
        if not hasattr(owner, name):
            raise MendRefused(f"{owner.__name__}.{name} is missing")
    replace(app, "_handle_execute_api_request", _handle)
