"""Traffic as the weights of a Lambda alias."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus import settings
from serinus.adapters.aws.failures import code_of
from serinus.domain.rollout import Split
from serinus.errors import EndpointNotFound, ReleaseFailed, ReleaseNotFound, RevisionChanged

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import AliasConfigurationResponseTypeDef, UpdateAliasRequestTypeDef

# A rollout's question whether it lives: nobody's traffic, and no record comes of it.
_WAKE = json.dumps(
    {
        "serinus": {"probe": True},
        "rawPath": "/v2/health/live",
        "requestContext": {"http": {"method": "GET"}},
    }
)


class LambdaTraffic:
    """`Traffic` on the alias `live` of each endpoint's inference function."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def current(self, endpoint: str) -> Split:
        """Return where traffic goes now.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """
        return _split_of(self._alias(endpoint))

    def awake(self, endpoint: str, release: int) -> bool:
        """Whether a release answers at once; one that sleeps is woken hereby, and awake some minutes later.

        A version with SnapStart that nobody has asked for 14 days loses its snapshot and becomes `Inactive`. The
        next call is refused (`SnapStartNotReadyException`), and has Lambda take another snapshot.

        Raises:
            ReleaseNotFound: its Lambda version was pruned.
            ReleaseFailed: Lambda cannot start it.
        """
        function, version = settings.inference_function_name(endpoint), str(release)
        try:
            found = self._client.get_function_configuration(FunctionName=function, Qualifier=version)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                raise ReleaseNotFound(endpoint, f"release {release}") from error
            raise
        if found["State"] == "Failed":
            raise ReleaseFailed(
                f"release {release} of {endpoint!r} cannot be started ({found.get('StateReason')}): return to another"
            )
        if found["State"] == "Inactive":
            self._wake(function, version)
        return found["State"] == "Active"

    def _wake(self, function: str, version: str) -> None:
        try:
            self._client.invoke(FunctionName=function, Qualifier=version, Payload=_WAKE)
        except ClientError as error:
            if code_of(error) != "SnapStartNotReadyException":
                raise

    def has(self, endpoint: str, release: int) -> bool:
        """Whether the release's Lambda version is there to send traffic to."""
        function = settings.inference_function_name(endpoint)
        try:
            self._client.get_function_configuration(FunctionName=function, Qualifier=str(release))
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return False
            raise
        return True

    def shift(self, endpoint: str, split: Split, *, expected: Split | None = None) -> None:
        """Send traffic elsewhere; without `expected` in one call, since a roll-back must not depend on two.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
            ReleaseNotFound: a release that is to get traffic is there no more.
            RevisionChanged: `expected` is given and traffic goes elsewhere already.
        """
        request = _request(endpoint, split)
        if expected is not None:
            alias = self._alias(endpoint)
            if _split_of(alias) != expected:
                raise RevisionChanged(f"the traffic of {endpoint!r}")
            request["RevisionId"] = alias["RevisionId"]
        try:
            self._client.update_alias(**request)
        except ClientError as error:
            if code_of(error) == "PreconditionFailedException":
                raise RevisionChanged(f"the traffic of {endpoint!r}") from error
            if code_of(error) == "ResourceNotFoundException":
                self._alias(endpoint)
                raise ReleaseNotFound(endpoint, f"Lambda version for {split}: it was deleted") from error
            raise

    def _alias(self, endpoint: str) -> AliasConfigurationResponseTypeDef:
        function = settings.inference_function_name(endpoint)
        try:
            return self._client.get_alias(FunctionName=function, Name=settings.LIVE_ALIAS)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                raise EndpointNotFound(endpoint) from error
            raise


def _request(endpoint: str, split: Split) -> UpdateAliasRequestTypeDef:
    weights = {} if split.candidate is None else {str(split.candidate): split.candidate_percent / 100}
    return {
        "FunctionName": settings.inference_function_name(endpoint),
        "Name": settings.LIVE_ALIAS,
        "FunctionVersion": str(split.stable),
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }


def _split_of(alias: AliasConfigurationResponseTypeDef) -> Split:
    stable = int(alias["FunctionVersion"])
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    percents = {int(version): round(weight * 100) for version, weight in weights.items()}
    for candidate, percent in percents.items():
        if percent:
            return Split(stable, candidate, percent)
    return Split(stable)
