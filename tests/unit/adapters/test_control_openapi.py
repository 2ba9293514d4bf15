"""The published description of the control API, and that the API keeps to it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from serinus.adapters.control_api import bodies
from serinus.adapters.memory.executions import MemoryExecutions
from serinus.adapters.open_inference.metadata import openapi
from serinus.use_cases.record_labels import Recording
from tests.builders import World
from tests.unit.control_plane import ROUTES, ControlPlane
from tests.unit.use_cases.steering import guiding, looking, requesting, returning

DOCUMENT = json.loads(openapi())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    (method.upper(), path): described
    for path, kinds in DOCUMENT["paths"].items()
    if path.startswith("/endpoints/")
    for method, described in kinds.items()
    if method != "parameters"
}


def test_every_route_is_described_and_no_other() -> None:
    """Each is reached by one function, and wants a signature."""
    reached = set()
    for method, path in OPERATIONS:
        asked = re.sub(r"\{\w+\}", "x", path)
        (route,) = [route for route in ROUTES if route[0] == method and re.fullmatch(route[1], asked)]
        reached.add(route)
    assert reached == set(ROUTES)
    assert all(described["security"] == [{"sigv4": []}] for described in OPERATIONS.values())


@pytest.mark.parametrize(
    "name",
    [
        "RolloutAsked",
        "PauseAsked",
        "ResumeAsked",
        "PromotionAsked",
        "AbortAsked",
        "RollBackAsked",
        "LabelAsked",
        "LabelsAsked",
    ],
)
def test_what_is_asked_is_described_as_it_is_read(name: str) -> None:
    """The schema is the one that the function checks with."""
    read = getattr(bodies, name).model_json_schema(ref_template="#/components/schemas/{model}")
    assert SCHEMAS[name] == _untitled(read)


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key not in {"title", "description", "$defs"}}
    properties = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in schema["properties"].items()
    }
    return {**kept, "properties": properties}


def test_what_is_answered_is_described() -> None:
    """Every field of every answer, and no other; each status is among those described."""
    world = World()
    world.canary()
    control = ControlPlane(
        requesting=requesting(world, MemoryExecutions()),
        looking=looking(world),
        guiding=guiding(world),
        returning=returning(world),
        recording=Recording(world.policies, world.labels),
    )
    asked = [
        ("GET", "/endpoints/fraud/rollouts", {}),
        ("POST", "/endpoints/fraud/rollouts", {"version": 2}),
        ("GET", "/endpoints/fraud/rollouts/active", {}),
        ("POST", "/endpoints/fraud/rollouts/active/pause", {"reason": "why"}),
        ("POST", "/endpoints/fraud/rollouts/active/resume", {}),
        ("POST", "/endpoints/fraud/rollouts/active/promote", {"reason": "why"}),
        ("POST", "/endpoints/fraud/rollouts/active/abort", {"reason": "why"}),
        ("POST", "/endpoints/fraud/rollback", {"reason": "why"}),
        ("POST", "/endpoints/fraud/rollback", {}),
        ("POST", "/endpoints/fraud/rollouts", {"version": 1}),
        ("POST", "/endpoints/fraud/labels", {"labels": [{"id": "a", "label": 1}]}),
    ]
    for method, path, body in asked:
        status, said = control.send(method, path, json.dumps(body).encode())
        _holds(json.loads(said), _described(method, path)["responses"][str(status)], path)


def _described(method: str, path: str) -> dict[str, Any]:
    """Return the operation of a path; an exact part wins over a variable one."""
    found = [
        (known.count("{"), described)
        for (kind, known), described in OPERATIONS.items()
        if kind == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path)
    ]
    described: dict[str, Any] = min(found, key=lambda item: item[0])[1]
    return described


def _holds(document: Any, answer: dict[str, Any], path: str) -> None:  # noqa: ANN401 - JSON
    _fits(document, answer["content"]["application/json"]["schema"], path)


def _fits(value: Any, schema: dict[str, Any], where: str) -> None:  # noqa: ANN401 - JSON
    """Compare the fields of objects, all the way down."""
    if "oneOf" in schema:
        (schema,) = [one for one in schema["oneOf"] if (one.get("type") == "null") is (value is None)]
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]]
    if "enum" in schema:
        assert value in schema["enum"], where
    if isinstance(value, dict):
        assert set(value) == set(schema["properties"]), where
        for name, field in value.items():
            _fits(field, schema["properties"][name], f"{where}.{name}")
    if isinstance(value, list):
        for item in value:
            _fits(item, schema["items"], where)
