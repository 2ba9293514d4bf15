"""The published description of the interface, and that the interface keeps to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate

from serinus.adapters.open_inference.exchange import exchange
from serinus.adapters.open_inference.metadata import openapi
from serinus.adapters.open_inference.routes import Route, route_of
from tests.unit.adapters.test_open_inference import LOGISTIC

DOCUMENT = json.loads(openapi())
VERSIONS = "/versions/{version}"
StartResponse = Callable[[str, list[tuple[str, str]]], object]


def operations() -> list[tuple[str, str]]:
    """Return every path and method of the document but the control API's."""
    inference = {path: kinds for path, kinds in DOCUMENT["paths"].items() if not path.startswith("/endpoints/")}
    return [(path, method) for path, kinds in inference.items() for method in kinds if method != "parameters"]


def events_of(path: str, method: str) -> dict[str, Any]:
    """Return the event that asks for an operation; a version is taken out of the path before `infer` sees it."""
    unversioned = path.replace(VERSIONS, "").replace("{model}", "fraud")
    return {"rawPath": unversioned, "requestContext": {"http": {"method": method.upper()}}}


def test_every_operation_is_served() -> None:
    """And every route but those of SageMaker's bare paths is described."""
    served = {route_of(events_of(path, method), "fraud") for path, method in operations()}
    assert served == set(Route)


def test_the_document_is_openapi() -> None:
    """As its own specification has it."""
    validate(DOCUMENT)


def test_every_reference_resolves() -> None:
    """No schema is missing, and none is there for nothing."""
    text = json.dumps(DOCUMENT["paths"]) + json.dumps(DOCUMENT["components"])
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used == set(DOCUMENT["components"]["schemas"])


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
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi import checks

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
