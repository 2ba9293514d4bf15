"""API Gateway asks whether the bearer of a token may call an endpoint; what it is told it remembers for a while."""

from __future__ import annotations

from serinus import settings, wiring
from serinus.adapters.schemas.caller import answer, read_caller
from serinus.use_cases.authorise_caller import authorise_caller

_AUTHORISING = wiring.authorising(settings.read(settings.AuthoriseCallerSettings))


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Answer yes or no, and why to nobody: a caller who is turned away learns nothing of what would have passed."""
    caller = read_caller(event)
    return answer(authorise_caller(caller.endpoint, caller.authorisation, authorising=_AUTHORISING))
