"""The control API in this process: its functions as they are deployed, behind the routes they are deployed with."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl

import pytest

from serinus import settings, wiring
from serinus.use_cases.find_rollout import Looking
from serinus.use_cases.record_labels import Recording
from serinus.use_cases.request_roll_back import Returning
from serinus.use_cases.request_rollout import Requesting
from serinus.use_cases.steer_rollout import Guiding

ANNA = "arn:aws:iam::123456789012:user/anna"
ROUTES = (
    ("POST", r"/endpoints/[^/]+/rollouts", "request_rollout"),
    ("GET", r"/endpoints/[^/]+/rollouts", "list_rollouts"),
    ("GET", r"/endpoints/[^/]+/rollouts/[^/]+", "describe_rollout"),
    ("POST", r"/endpoints/[^/]+/rollouts/[^/]+/(pause|resume|promote)", "steer_rollout"),
    ("POST", r"/endpoints/[^/]+/rollouts/[^/]+/abort", "request_roll_back"),
    ("POST", r"/endpoints/[^/]+/rollback", "request_roll_back"),
    ("POST", r"/endpoints/[^/]+/labels", "record_labels"),
)
_SETTINGS = (
    settings.RequestRolloutSettings("table", "ledger", "machine"),
    settings.SteerRolloutSettings("table", "ledger", "bus"),
    settings.RecordLabelsSettings("data"),
)


class ControlPlane:
    """Sends requests to the functions, in the name of `caller`, as `SignedCalls` does over the network."""

    def __init__(
        self,
        *,
        requesting: Requesting,
        looking: Looking,
        guiding: Guiding,
        returning: Returning,
        recording: Recording,
    ) -> None:
        self.caller: str | None = ANNA
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self._wired: dict[str, Any] = {
            "requesting": requesting,
            "looking": looking,
            "guiding": guiding,
            "returning": returning,
            "recording": recording,
        }
        self._functions = _imported(self._wired)

    def __deepcopy__(self, memo: dict[int, Any]) -> ControlPlane:
        """Return one whose functions reach what is copied along: theirs hold what they were imported with."""
        copied = ControlPlane(**deepcopy(self._wired, memo))
        copied.caller, copied.asked, copied.bodies = self.caller, list(self.asked), list(self.bodies)
        return copied

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return the HTTP status and the body."""
        self.asked.append((method, path))
        self.bodies.append(body)
        answer = self.call(*self.route(method, path), body=body.decode())
        return answer["statusCode"], answer["body"].encode()

    def call(self, function: str, event: Mapping[str, Any], *, body: str | None = None) -> dict[str, Any]:
        """Invoke a function with an event."""
        told = dict(event) if body is None else {**event, "body": body}
        answer: dict[str, Any] = self._functions[function](told, None)
        return answer

    def route(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        """Return which function a request reaches, and the event that API Gateway makes of it."""
        bare, _, query = path.partition("?")
        (function,) = [name for known, pattern, name in ROUTES if known == method and re.fullmatch(pattern, bare)]
        iam = {"iam": {"userArn": self.caller, "accountId": "123456789012"}}
        return function, {
            "version": "2.0",
            "rawPath": bare,
            "rawQueryString": query,
            "queryStringParameters": dict(parse_qsl(query)),
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "stage": "$default",
                "http": {"method": method, "path": bare},
                "authorizer": iam if self.caller else None,
            },
            "isBase64Encoded": False,
        }


def _imported(wired: Mapping[str, object]) -> dict[str, Any]:
    """Import the functions anew, wired to these ports."""
    functions: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        for told in _SETTINGS:
            for name, value in settings.as_environment(told).items():
                patch.setenv(name, value)
        for name, ports in wired.items():
            patch.setattr(wiring, name, lambda _told, ports=ports: ports)
        for folder in {folder for _, _, folder in ROUTES}:
            module = f"functions.{folder}.handler"
            sys.modules.pop(module, None)
            functions[folder] = importlib.import_module(module).handler
            sys.modules.pop(module, None)
    return functions
