"""HTTP requests signed with ordinary AWS credentials (SigV4), as an HTTP API with IAM authorisation wants them."""

from __future__ import annotations

import re
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
_JSON = {"Content-Type": "application/json"}


class SignedCalls:
    """Sends signed requests below one address; one may serve many threads.

    Connections are kept and reused. A request is sent again only where the connection could not be made: one that
    was sent may have been carried out.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials | None = None,
        region: str | None = None,
        timeout_seconds: float = 35.0,
        connections: int = 16,
    ) -> None:
        """Prepare; nothing is sent, and credentials are looked for with the first call.

        Args:
            url: the address that paths are appended to.
            credentials: by default those of the environment, the profile or the role, refreshed as they expire.
            region: by default the one in the URL, else the configured one.
            timeout_seconds: to connect, and then to wait for the answer; an HTTP API answers within 30.
            connections: how many are kept open; as many threads can ask at once without connecting anew.
        """
        self._url = url.rstrip("/")
        self._session = Session()
        self._credentials = credentials
        self._region = region
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=timeout_seconds, read=timeout_seconds),
            retries=urllib3.Retry(connect=2, read=0, redirect=False, status=0, other=0, backoff_factor=0.1),
        )

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request; return the HTTP status and the body.

        Raises:
            NoCredentialsError: there are none.
            NoRegionError: the URL names no region and none is configured.
            urllib3.exceptions.HTTPError: there was no answer, in time or at all.
        """
        url = self._url + path
        answer = self._pool.request(method, url, body=body, headers=self.headers(method, url, body))
        return answer.status, answer.data

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the headers that sign a request.

        Raises:
            NoCredentialsError: there are none.
            NoRegionError: the URL names no region and none is configured.
        """
        if self._credentials is None:
            self._credentials = self._session.get_credentials()
        if self._credentials is None:
            raise NoCredentialsError
        request = AWSRequest(method=method, url=url, data=body, headers=_JSON)
        SigV4Auth(self._credentials.get_frozen_credentials(), _SERVICE, self._found_region()).add_auth(request)
        return dict(request.headers.items())

    def _found_region(self) -> str:
        if self._region is None:
            named = _REGION_OF_HOST.search(self._url)
            self._region = named[1] if named else self._session.get_config_variable("region")
        if not self._region:
            raise NoRegionError
        return self._region
