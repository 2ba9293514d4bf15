"""What an HTTP API remembers of its authorisers' answers can be reset.

AWS: ``ResetAuthorizersCache`` (``DELETE /v2/apis/{id}/stages/{stage}/cache/authorizers``) forgets every answer that
was remembered for a stage.

Stock: the call is taken for ``DeleteStage``, and the stage is gone.

Mended: as AWS.
"""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

from ministack.services import apigateway

from serinus.local_cloud.mends.replacing import replace

_RESET = re.compile(r"/v2/apis/(?P<api>[^/]+)/stages/(?P<stage>[^/]+)/cache/authorizers/?")


def _handle(original: Any) -> Any:  # noqa: ANN401 - ministack is untyped
    async def handle(method: str, path: str, *rest: object, **options: object) -> Any:  # noqa: ANN401
        asked = _RESET.fullmatch(path) if method == "DELETE" else None
        if asked is None:
            return await original(method, path, *rest, **options)
        return _forget(asked["api"], urllib.parse.unquote(asked["stage"]))

    return handle


def _forget(api: str, stage: str) -> tuple[Any, ...]:
    if stage not in apigateway._stages.get(api, {}):
        refused: tuple[Any, ...] = apigateway._apigw_error("NotFoundException", "Invalid stage identifier", 404)
        return refused
    remembered = apigateway._authorizer_cache
    for key in [key for key in remembered if (key[2], key[4]) == (api, stage)]:
        del remembered[key]
    return 204, {}, b""


def apply() -> None:
    """Apply the mend."""
    replace(apigateway, "handle_request", _handle)
