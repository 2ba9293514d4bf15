"""The API itself is asked about: GET /v2, /v2/health/live, /v2/health/ready and /v2/openapi.json."""

from __future__ import annotations

from typing import Any

from serinus.adapters.open_inference.event import Event, Reply, encode_error
from serinus.adapters.open_inference.metadata import describe_server
from serinus.adapters.open_inference.routes import server_route_of
from serinus.errors import RequestRefused


def handler(event: Event, _context: object) -> dict[str, Any]:
    """Answer for the API as a whole; an endpoint's own health is asked of its model."""
    try:
        return describe_server(server_route_of(event)).as_event()
    except RequestRefused as refusal:
        return Reply(refusal.status, encode_error(str(refusal))).as_event()
