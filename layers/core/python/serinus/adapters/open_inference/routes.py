"""What a path and a method ask for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache

from serinus.adapters.open_inference.event import Event, method_of, path_of
from serinus.errors import RequestRefused


class Route(Enum):
    """Everything that an inference function answers."""

    INFER = "infer", "POST"
    INVOCATIONS = "invocations", "POST"
    SERVER = "server", "GET"
    LIVE = "live", "GET"
    SERVER_READY = "server ready", "GET"
    MODEL = "model", "GET"
    MODEL_READY = "model ready", "GET"
    OPENAPI = "openapi", "GET"
    PING = "ping", "GET"

    def __init__(self, _: str, method: str) -> None:
        self.method = method


_SERVER: Mapping[str, Route] = {
    "/v2": Route.SERVER,
    "/v2/health/live": Route.LIVE,
    "/v2/health/ready": Route.SERVER_READY,
    "/v2/openapi.json": Route.OPENAPI,
}


def route_of(event: Event, endpoint: str) -> Route:
    """Return what is asked for; a function invoked without a path is asked to infer.

    Raises:
        RequestRefused: 404 for a path that is not served, 405 for another method than its.
    """
    path = path_of(event)
    if path is None:
        return Route.INFER
    route = _routes(endpoint).get(path)
    if route is None:
        here = f"POST to /v2/models/{endpoint}/infer"
        raise RequestRefused(f"{path[:200]!r} is not served here: {here}", status=404)
    return _allowed(route, event, path)


def server_route_of(event: Event) -> Route:
    """Return what is asked for of the API as a whole.

    Raises:
        RequestRefused: 404 for a path that is not served, 405 for another method than its.
    """
    path = path_of(event) or ""
    route = _SERVER.get(path)
    if route is None:
        raise RequestRefused(f"{path[:200]!r} is not served here: ask an endpoint, at /v2/models/", status=404)
    return _allowed(route, event, path)


def _allowed(route: Route, event: Event, path: str) -> Route:
    method = method_of(event)
    if method != route.method and not (method == "HEAD" and route.method == "GET"):
        raise MethodRefused(method, path, route.method)
    return route


class MethodRefused(RequestRefused):
    """A path is asked with a method that it does not take; `allowed` is the one it does."""

    def __init__(self, method: str, path: str, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"{method} is not answered here: {allowed} {path[:200]}", status=405)


@cache
def _routes(endpoint: str) -> Mapping[str, Route]:
    """Return every path, without a trailing slash.

    `/models/{endpoint}` is the endpoint as a server of its own, with both protocols below it, so that a client which
    is given one base address finds its health and its metadata under the endpoint's own authorisation.
    """
    served = {
        **_SERVER,
        f"/v2/models/{endpoint}": Route.MODEL,
        f"/v2/models/{endpoint}/ready": Route.MODEL_READY,
        f"/v2/models/{endpoint}/infer": Route.INFER,
        "/invocations": Route.INVOCATIONS,
        "/ping": Route.PING,
        "/health": Route.PING,
    }
    return served | {f"/models/{endpoint}{path}": route for path, route in served.items()}
