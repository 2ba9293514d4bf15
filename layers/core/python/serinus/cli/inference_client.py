"""Asks an endpoint for predictions, with ordinary AWS credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from serinus.adapters.aws.signed_calls import SignedCalls

if TYPE_CHECKING:
    from botocore.credentials import Credentials


def infer_url(api_url: str, endpoint: str) -> str:
    """Return where an endpoint answers inference requests.

    >>> infer_url("https://a1.execute-api.eu-west-1.amazonaws.com/", "fraud")
    'https://a1.execute-api.eu-west-1.amazonaws.com/v2/models/fraud/infer'
    """
    return f"{api_url.rstrip('/')}/v2/models/{endpoint}/infer"


class InferenceClient:
    """Sends Open Inference requests signed with SigV4; one client may serve many threads."""

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
        """
        self._calls = SignedCalls(
            url,
            credentials=credentials,
            region=region,
            timeout_seconds=timeout_seconds,
            connections=connections,
        )

    def infer(self, request: Mapping[str, object]) -> tuple[int, object]:
        """Send a request; return the HTTP status and the parsed body, which is text where it is no JSON.

        Raises:
            NoCredentialsError: there are none.
            NoRegionError: the URL names no region and none is configured.
            urllib3.exceptions.HTTPError: there was no answer, in time or at all.
        """
        status, said = self._calls.send("POST", "", json.dumps(request, allow_nan=False).encode())
        try:
            return status, json.loads(said)
        except ValueError:
            return status, said.decode(errors="replace")

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()
