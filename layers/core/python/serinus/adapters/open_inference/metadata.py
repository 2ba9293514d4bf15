"""What a server and its model say of themselves; the answers to every GET of the protocol."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any, assert_never

from serinus.adapters.open_inference.event import Reply
from serinus.adapters.open_inference.routes import Route
from serinus.errors import RequestRefused

if TYPE_CHECKING:  # the function that describes the server has no layer that brings orjson
    from serinus.adapters.open_inference.released import ReleasedModel

PLATFORM = "onnx_onnxv1"
_SERVER = {"name": "serinus", "version": "2", "extensions": ["binary_tensor_data"]}


def describe(route: Route, released: ReleasedModel | None, endpoint: str) -> Reply:
    """Answer a GET.

    Raises:
        RequestRefused: 503 where the model is asked about and nothing is released yet.
    """
    match route:
        case Route.SERVER | Route.LIVE | Route.OPENAPI:
            return describe_server(route)
        case Route.PING | Route.SERVER_READY | Route.MODEL_READY:
            return _ready(route, _released(released, endpoint))
        case Route.MODEL:
            return _json(_model(_released(released, endpoint)))
        case Route.INFER | Route.INVOCATIONS:
            raise ValueError(route)
        case _:
            assert_never(route)


def describe_server(route: Route) -> Reply:
    """Answer a GET that asks about no model."""
    match route:
        case Route.SERVER:
            return _json(_SERVER)
        case Route.OPENAPI:
            return Reply(200, openapi())
        case Route.SERVER_READY:
            return _json({"ready": True})
        case _:
            return _json({"live": True})


def openapi() -> str:
    """Return the published description of the interface."""
    return resources.files(__package__).joinpath("openapi.json").read_text(encoding="utf-8")


def _ready(route: Route, released: ReleasedModel) -> Reply:
    match route:
        case Route.MODEL_READY:
            return _json({"name": released.endpoint, "ready": True})
        case _:
            return _json({"ready": True})


def _released(released: ReleasedModel | None, endpoint: str) -> ReleasedModel:
    if released is None:
        raise nothing_released(endpoint)
    return released


def nothing_released(endpoint: str) -> RequestRefused:
    """Return the refusal of an endpoint that no model was pushed to."""
    return RequestRefused(f"nothing released yet at endpoint {endpoint!r}: push a model, then ask again", status=503)


def _model(released: ReleasedModel) -> dict[str, Any]:
    signature = released.signature
    return {
        "name": released.endpoint,
        "versions": [str(released.model_version)],
        "platform": PLATFORM,
        "inputs": [
            {"name": tensor.name, "datatype": tensor.datatype.value, "shape": [-1, len(tensor.columns)]}
            for tensor in signature.inputs
        ],
        "outputs": [
            {"name": tensor.name, "datatype": tensor.datatype.value, "shape": list(tensor.shape)}
            for tensor in signature.outputs
        ],
    }


def _json(document: object) -> Reply:
    return Reply(200, json.dumps(document))
