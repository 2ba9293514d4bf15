"""A prediction, or word of its health, is asked of a model version by its number: `…/versions/{version}…`."""

from __future__ import annotations

from collections.abc import Mapping

from serinus import settings, wiring
from serinus.adapters.open_inference.event import Reply, encode_error
from serinus.errors import ReleaseFailed, RequestRefused
from serinus.use_cases.infer_version import infer_version

_TOLD = settings.read(settings.InferVersionSettings)
_ASKING = wiring.asking(_TOLD)


def handler(event: Mapping[str, object], _context: object) -> Mapping[str, object]:
    """Answer as the release of that version does, or 404 with the versions that can be had."""
    try:
        return infer_version(_TOLD.endpoint, event, asking=_ASKING)
    except RequestRefused as refusal:
        return Reply(refusal.status, encode_error(str(refusal))).as_event()
    except ReleaseFailed:
        return Reply(502, encode_error("the version gave no answer: ask again, or ask another")).as_event()
