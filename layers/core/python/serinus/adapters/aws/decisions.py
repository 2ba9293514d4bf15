"""What API Gateway remembers of the answers of its authorisers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus.adapters.aws.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client

_STAGE = "$default"
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedException"}


class GatewayDecisions:
    """`Decisions` of an HTTP API's one stage."""

    def __init__(self, client: ApiGatewayV2Client, api: str) -> None:
        self._client = client
        self._api = api

    def forget(self) -> bool:
        """Have every caller looked at anew; `False` where we may not, and what is remembered has to run out."""
        try:
            self._client.reset_authorizers_cache(ApiId=self._api, StageName=_STAGE)
        except ClientError as error:
            if code_of(error) in _DENIED:
                return False
            raise
        return True
