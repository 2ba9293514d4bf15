"""Asks an endpoint for predictions, with ordinary AWS credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError, NoRegionError
from botocore.session import Session

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_SERVICE = "execute-api"
_REGION_OF_HOST = re.compile(r"\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")


def infer_url(api_url: str, endpoint: str) -> str:
    """Return where an endpoint answers inference requests.

    >>> infer_url("https://a1.execute-api.eu-west-1.amazonaws.com/", "fraud")
    'https://a1.execute-api.eu-west-1.amazonaws.com/v2/models/fraud/infer'
    """
    return f"{api_url.rstrip('/')}/v2/models/{endpoint}/infer"


class InferenceClient:
    """Sends Open Inference requests signed with SigV4; one client may serve many threads.

    Connections are kept and reused. A request is sent again only where the connection could not be made: one that
    was sent may have been answered and counted.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials | None = None,
        region: str | None = None,
        timeout_seconds: float = 10.0,
        connections: int = 16,
    ) -> None:
        """Prepare the client; nothing is sent.

        Args:
            url: the endpoint's, as `infer_url` makes it.
            credentials: by default those of the environment, the profile or the role, refreshed as they expire.
            region: by default the one in the URL, else the configured one.
            timeout_seconds: to connect, and then to wait for the answer.
            connections: how many are kept open; as many threads can ask at once without connecting anew.

        Raises:
            NoCredentialsError: there are none.
            NoRegionError: the URL names no region and none is configured.
        """
        session = Session()
        found = credentials or session.get_credentials()
        if found is None:
            raise NoCredentialsError
        named = _REGION_OF_HOST.search(url)
        self._region = region or (named[1] if named else session.get_config_variable("region"))
        if not self._region:
            raise NoRegionError
        self._credentials = found
        self._url = url
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=timeout_seconds, read=timeout_seconds),
            retries=urllib3.Retry(connect=2, read=0, redirect=False, status=0, other=0, backoff_factor=0.1),
        )

    def infer(self, request: Mapping[str, object]) -> tuple[int, object]:
        """Send a request; return the HTTP status and the parsed body, which is text where it is no JSON.

        Raises:
            urllib3.exceptions.HTTPError: there was no answer, in time or at all.
        """
        body = json.dumps(request, allow_nan=False).encode()
        answer = self._pool.request("POST", self._url, body=body, headers=self._signed(body))
        try:
            return answer.status, json.loads(answer.data)
        except ValueError:
            return answer.status, answer.data.decode(errors="replace")

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _signed(self, body: bytes) -> dict[str, str]:
        request = AWSRequest(method="POST", url=self._url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(self._credentials.get_frozen_credentials(), _SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())
