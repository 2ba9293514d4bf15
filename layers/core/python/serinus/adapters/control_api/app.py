"""What every function of the control API answers alike: who asks, and what an error is in HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from pydantic import BaseModel, ValidationError

from serinus.adapters.schemas.faults import described
from serinus.errors import CallerUnknown, Conflict, NotFound, Refused, RequestTooLarge, SerinusError

MOST_BYTES = 1_048_576

_JSON = "application/json"
_STATUSES: tuple[tuple[type[SerinusError], int], ...] = (
    (RequestTooLarge, 413),
    (Refused, 400),
    (CallerUnknown, 403),
    (NotFound, 404),
    (Conflict, 409),
)

Body = TypeVar("Body", bound=BaseModel)


class ControlApi(APIGatewayHttpResolver):
    """Resolves the routes of one function.

    Errors that a caller can do something about are answered as `{"error": …}`; what is unexpected propagates, and
    API Gateway makes 500 of it, with no word of ours.
    """

    def __init__(self) -> None:
        super().__init__()
        for kind, status in _STATUSES:
            self.exception_handler(kind)(_answering(status))
        self.exception_handler(ValidationError)(_invalid)
        self.exception_handler(ServiceError)(_unserved)

    @property
    def caller(self) -> str:
        """Who asks, by the name API Gateway verified; whatever the request says of itself is no matter.

        Raises:
            CallerUnknown: API Gateway verified nobody.
        """
        authorizer = self.current_event.raw_event.get("requestContext", {}).get("authorizer") or {}
        arn = (authorizer.get("iam") or {}).get("userArn")
        if not arn:
            raise CallerUnknown
        return str(arn)

    def body(self, kind: type[Body]) -> Body:
        """Return the request's body.

        Raises:
            ValidationError: it is not what was asked for; an absent one is `{}`.
            RequestTooLarge: it is longer than any request has to be.
        """
        text = (self.current_event.decoded_body or "{}").encode()
        if len(text) > MOST_BYTES:
            raise RequestTooLarge(f"the body has {len(text):,} bytes, above {MOST_BYTES:,}: send it in parts")
        return kind.model_validate_json(text)

    def query(self, kind: type[Body]) -> Body:
        """Return the query's parameters.

        Raises:
            ValidationError: one is not what was asked for.
        """
        return kind.model_validate(self.current_event.query_string_parameters or {})


def _answering(status: int) -> Callable[[SerinusError], Response[str]]:
    return lambda error: _error(status, str(error))


def _invalid(error: ValidationError) -> Response[str]:
    return _error(400, described(error, whole="the request"))


def _unserved(error: ServiceError) -> Response[str]:
    return _error(error.status_code, str(error.msg))


def _error(status: int, message: str) -> Response[str]:
    return Response(status_code=status, content_type=_JSON, body=json.dumps({"error": message}))
