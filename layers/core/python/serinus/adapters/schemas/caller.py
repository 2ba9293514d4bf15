"""What API Gateway asks an authoriser, and takes for an answer (payload format 2.0, simple response)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serinus.domain.token import Token
from serinus.errors import RequestRefused

# The route, not the path: its endpoint is one that a policy names, and not what the caller may have written there.
_ROUTE = re.compile(r"\S+ /(?:v2/)?models/(?P<endpoint>[a-z][a-z0-9-]*)(?:/.*)?")


class Caller(BaseModel):
    """Who wants to call what; the header is left out of every representation."""

    model_config = ConfigDict(frozen=True)

    route: str = Field(alias="routeKey", pattern=rf"^{_ROUTE.pattern}$")
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> str:
        """The endpoint that the route belongs to."""
        found = _ROUTE.fullmatch(self.route)
        return found["endpoint"] if found else ""

    @property
    def authorisation(self) -> str | None:
        """The header; API Gateway writes the names of headers in small letters."""
        return self.headers.get("authorization")


def read_caller(event: object) -> Caller:
    """Read the event.

    Raises:
        RequestRefused: it is of another format or route; the message holds nothing of it, since it may hold a secret.
    """
    try:
        return Caller.model_validate(event)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, fault["loc"][:1])) for fault in error.errors()}))
        raise RequestRefused(f"the event is none that an authoriser is asked with: see {fields}") from None


def answer(token: Token | None) -> dict[str, object]:
    """Let the bearer pass, or not; the access log tells of the token by its id and name."""
    if token is None:
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {"token": token.id, "name": token.name}}
