"""One request and what became of it: the only place that turns errors into HTTP statuses."""

from __future__ import annotations

from typing import NamedTuple

from serinus.adapters.open_inference.answer import encode
from serinus.adapters.open_inference.event import (
    Event,
    Reply,
    body_of,
    encode_error,
    header,
    is_probe,
    is_unrecorded,
    refuse_content_type,
    sayable,
)
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.adapters.open_inference.request import decode
from serinus.adapters.open_inference.routes import MethodRefused, Route, route_of
from serinus.errors import ModelFailed, RequestRefused
from serinus.use_cases.infer import InferenceRequest, Prediction, infer

_LENGTH = "inference-header-content-length"


class Exchange(NamedTuple):
    """An answer, and what the log says of it; `asked` and `prediction` are there as far as the request came.

    Attributes:
        recorded: whether it leaves a prediction record: whoever asks for health or metadata is no evidence of how a
            release fares.
    """

    reply: Reply
    id: str
    asked: InferenceRequest | None = None
    prediction: Prediction | None = None
    error: str | None = None
    recorded: bool = True

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.reply.status

    @property
    def body(self) -> str | bytes:
        """The body, text unless it carries packed tensors."""
        return self.reply.body


def exchange(
    released: ReleasedModel | None, event: Event, *, endpoint: str, request: str, id_column: str | None = None
) -> Exchange:
    """Answer a request: as its protocol says, or `{"error": ...}` with the status that fits.

    Args:
        released: the model that serves, if any does.
        event: API Gateway's.
        endpoint: the endpoint that this process is.
        request: Lambda's id of the request, which names it where its caller did not.
        id_column: the column that labels join on, which rows may bring besides those that the model takes.
    """
    recorded = not is_unrecorded(event)
    try:
        route = route_of(event, endpoint)
        if route is Route.INFER:
            return _inferred(_serving(released, endpoint), event, request, recorded=recorded)
        if route is Route.INVOCATIONS:
            return _invoked(_serving(released, endpoint), event, request, id_column, recorded=recorded)
    except RequestRefused as refusal:
        return _refused(refusal, request, recorded=recorded)
    return _described(route, released, endpoint, request)


def _inferred(released: ReleasedModel, event: Event, request: str, *, recorded: bool) -> Exchange:
    body = body_of(event)
    refuse_content_type(event, body)
    asked, packed = decode(body, released.signature, header(event, _LENGTH))
    name = asked.id or request
    try:
        prediction = infer(released.model, released.signature, asked)
        reply = encode(released, prediction, name, packed)
        return Exchange(reply, name, asked, prediction, recorded=recorded)
    except RequestRefused as refusal:
        return _refused(refusal, name, recorded=recorded)
    except ModelFailed as failure:
        return _failed(failure, event, asked, name, request, recorded=recorded)


def _invoked(
    released: ReleasedModel, event: Event, request: str, id_column: str | None, *, recorded: bool
) -> Exchange:
    from serinus.adapters.mlflow.answer import predictions
    from serinus.adapters.mlflow.payload import decode_payload

    body = body_of(event)
    is_csv = (header(event, "content-type") or "").split(";")[0].strip().lower() == "text/csv"
    if not is_csv:
        refuse_content_type(event, body, "application/json or text/csv")
    asked = decode_payload(body, released.signature, is_csv=is_csv, id_column=id_column)
    try:
        prediction = infer(released.model, released.signature, asked)
        return Exchange(predictions(prediction, asked), request, asked, prediction, recorded=recorded)
    except ModelFailed as failure:
        return _failed(failure, event, asked, request, request, recorded=recorded)


def _described(route: Route, released: ReleasedModel | None, endpoint: str, request: str) -> Exchange:
    from serinus.adapters.open_inference.metadata import describe

    try:
        return Exchange(describe(route, released, endpoint), request, recorded=False)
    except RequestRefused as refusal:
        return _refused(refusal, request, recorded=False)


def _serving(released: ReleasedModel | None, endpoint: str) -> ReleasedModel:
    if released is None:
        from serinus.adapters.open_inference.metadata import nothing_released

        raise nothing_released(endpoint)
    return released


def _failed(
    failure: ModelFailed, event: Event, asked: InferenceRequest, name: str, request: str, *, recorded: bool
) -> Exchange:
    # A probe is asked by the rollout, which must learn the reason; a caller need not see inside the model.
    hidden = f"the model failed on these rows: change them, or tell the endpoint's owners (request {request})"
    body = encode_error(str(failure) if is_probe(event) else hidden)
    return Exchange(Reply(500, body), name, asked, error=sayable(str(failure)), recorded=recorded)


def _refused(refusal: RequestRefused, id: str, *, recorded: bool) -> Exchange:  # noqa: A002 - the protocol's word
    headers = {"allow": refusal.allowed} if isinstance(refusal, MethodRefused) else {}
    reply = Reply(refusal.status, encode_error(str(refusal)), headers)
    return Exchange(reply, id, error=sayable(str(refusal)), recorded=recorded)
