"""Asks published Lambda versions directly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus import settings
from serinus.adapters.aws.failures import code_of
from serinus.domain.rollout import Release
from serinus.errors import ReleaseBusy, ReleaseFailed, ReleaseNotFound

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_SHOWN = 500  # characters of a failure that a message carries


class LambdaInvocations:
    """`Invocations` by qualifier."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def ask(self, release: Release, event: Mapping[str, object]) -> Mapping[str, object]:
        """Send a release an HTTP event as it is; return its HTTP answer as it is.

        Raises:
            ReleaseNotFound: its Lambda version was pruned.
            ReleaseBusy: Lambda had no room to run it.
            ReleaseFailed: it gave no answer, or was asleep, and is woken hereby.
        """
        try:
            answer = self._client.invoke(
                FunctionName=settings.inference_function_name(release.endpoint),
                Qualifier=str(release.number),
                Payload=json.dumps(event).encode(),
            )
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                raise ReleaseNotFound(release.endpoint, f"release {release.number}") from error
            if code_of(error) == "SnapStartNotReadyException":
                raise ReleaseFailed(f"release {release.number} of {release.endpoint!r} is being woken") from error
            if code_of(error) == "TooManyRequestsException":
                raise ReleaseBusy(f"Lambda turned a request to release {release.number} away: {error}") from error
            raise
        payload = answer["Payload"].read()
        if answer.get("FunctionError"):
            said = payload[:_SHOWN].decode("utf-8", errors="replace")
            raise ReleaseFailed(f"release {release.number} of {release.endpoint!r} failed: {said}")
        found: Mapping[str, object] = json.loads(payload)
        return found
