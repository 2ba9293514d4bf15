"""One request and what became of it: the only place that turns errors into HTTP statuses."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.adapters.open_inference.answer import encode, encode_error
from serinus.adapters.open_inference.event import Event, body_of, is_probe
from serinus.adapters.open_inference.released import ReleasedModel
from serinus.adapters.open_inference.request import decode
from serinus.errors import ModelFailed, RequestRefused
from serinus.use_cases.infer import InferenceRequest, Prediction, infer


@dataclass(frozen=True)
class Exchange:
    """An answer, and what the log says of it; `asked` and `prediction` are there as far as the request came."""

    status: int
    body: str
    id: str
    asked: InferenceRequest | None = None
    prediction: Prediction | None = None
    error: str | None = None


def exchange(released: ReleasedModel | None, event: Event, *, endpoint: str, request: str) -> Exchange:
    """Answer a request: 200, or `{"error": ...}` with the status that fits.

    Args:
        released: the model that serves, if any does.
        event: API Gateway's.
        endpoint: the endpoint that this process is.
        request: Lambda's id of the request, which names it where its caller did not.
    """
    if released is None:
        return _refused(503, f"nothing released yet at endpoint {endpoint!r}: push a model, then ask again", request)
    try:
        asked = decode(body_of(event, endpoint), released.signature)
    except RequestRefused as refusal:
        return _refused(refusal.status, str(refusal), request)
    name = asked.id or request
    try:
        prediction = infer(released.model, released.signature, asked)
        return Exchange(200, encode(released, prediction, name), name, asked, prediction)
    except RequestRefused as refusal:
        return _refused(refusal.status, str(refusal), name)
    except ModelFailed as failure:
        # A probe is asked by the rollout, which must learn the reason; a caller need not see inside the model.
        hidden = f"the model failed on these rows: change them, or tell the endpoint's owners (request {request})"
        body = encode_error(str(failure) if is_probe(event) else hidden)
        return Exchange(500, body, name, asked, error=str(failure))


def _refused(status: int, message: str, id: str) -> Exchange:  # noqa: A002 - the protocol's word
    return Exchange(status, encode_error(message), id, error=message)
