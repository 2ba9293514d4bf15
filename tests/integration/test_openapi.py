"""The interface keeps to its published description, whatever is asked of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from serinus.adapters.open_inference.exchange import exchange
from tests.unit.adapters.test_open_inference import LOGISTIC

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Serve the endpoint `fraud` as API Gateway would, over WSGI."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = {name[5:].lower().replace("_", "-"): text for name, text in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    event = {
        "rawPath": environ["PATH_INFO"],
        "headers": headers,
        "requestContext": {"stage": "$default", "http": {"method": environ["REQUEST_METHOD"]}},
        "body": base64.b64encode(environ["wsgi.input"].read(length)).decode(),
        "isBase64Encoded": True,
    }
    answer = exchange(LOGISTIC, event, endpoint="fraud", request="wsgi").reply.as_event()
    start_response(f"{answer['statusCode']} Answered", list(answer["headers"].items()))
    body = str(answer["body"])
    return [base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()]


def hold(cases: Any, kept: list[Any]) -> None:  # noqa: ANN401 - schemathesis is untyped
    """Ask what a strategy of requests draws, and check the answers."""

    @settings(
        max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(cases)
    def holds(case: Any) -> None:  # noqa: ANN401 - schemathesis is untyped
        if "model" in case.path_parameters:
            case.path_parameters["model"] = "fraud"
        case.call_and_validate(checks=kept)

    holds()


def test_the_interface_keeps_to_its_description() -> None:
    """Requests that follow the schemas, and ones that break them, get documented answers and never a crash."""
    kept = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    for result in schemathesis.openapi.from_wsgi("/v2/openapi.json", application).get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if "{version}" not in operation.path and not operation.path.startswith("/endpoints/"):
            hold(operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE), kept)
            if operation.method == "post":  # the others take nothing that could be broken
                hold(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE), kept)
