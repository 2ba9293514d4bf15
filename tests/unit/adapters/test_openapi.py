"""The published description of the interface."""

from __future__ import annotations

import json
from typing import Any

from openapi_spec_validator import validate

from serinus.adapters.open_inference.metadata import openapi
from serinus.adapters.open_inference.routes import Route, route_of

DOCUMENT = json.loads(openapi())
VERSIONS = "/versions/{version}"


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
