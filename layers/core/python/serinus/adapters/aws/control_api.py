"""Asks the control API, as whoever the AWS credentials are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from serinus.adapters.aws.signed_calls import SignedCalls
from serinus.errors import ControlApiFailed

_FORBIDDEN = 403
_FIRST_ERROR = 400


class ControlApiClient:
    """The control API of one deployment."""

    def __init__(self, calls: SignedCalls) -> None:
        self._calls = calls

    def get(self, *path: str, **query: object) -> dict[str, Any]:
        """Ask for a document; `path` is in parts, which are quoted.

        Raises:
            ControlApiFailed: it answered with an error, or not at all.
        """
        return self._ask("GET", f"{_quoted(path)}?{urlencode(query)}" if query else _quoted(path), b"")

    def post(self, *path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Ask for a deed; return what it answers.

        Raises:
            ControlApiFailed: it answered with an error, or not at all.
        """
        return self._ask("POST", _quoted(path), json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        try:
            status, said = self._calls.send(method, path, body)
        except urllib3.exceptions.HTTPError as error:
            said_nothing = f"the control API gave no answer ({error}): look whether it was done before you ask again"
            raise ControlApiFailed(0, said_nothing) from error
        document = _read(said)
        if status < _FIRST_ERROR and document is not None:
            return document
        told = document or {}
        raise ControlApiFailed(status, told.get("error") or _worded(status, told, f"{method} {path}"))


def _read(said: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(said)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _quoted(path: tuple[str, ...]) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in path)


def _worded(status: int, document: Mapping[str, Any], call: str) -> str:
    """Return what API Gateway itself means: it lets nobody pass without telling more than `Forbidden`."""
    if status == _FORBIDDEN:
        return f"AWS denies you {call}: it takes execute-api:Invoke on that path, and valid credentials"
    return f"the control API answered {call} with {status}: {document.get('message', 'its log says why')}"
