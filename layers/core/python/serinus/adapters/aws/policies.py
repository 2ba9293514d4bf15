"""Policies in the parameter store, where each endpoint's stack writes its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from serinus import settings
from serinus.adapters.aws.failures import code_of
from serinus.adapters.schemas.policy import parse_policy
from serinus.domain.policy import EndpointName, Policy
from serinus.errors import EndpointNotFound

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_NOT_THERE = {"ParameterNotFound", "ValidationException"}  # the latter where the name cannot be a parameter's


class SsmPolicies:
    """`Policies` on Systems Manager; nothing is cached, so a deployed policy takes effect at once."""

    def __init__(self, client: SSMClient) -> None:
        self._client = client

    def get(self, endpoint: str) -> Policy:
        """Return the endpoint's policy as it is now.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
            PolicyRefused: this release of Serinus cannot read the stored policy.
        """
        name = settings.policy_parameter(endpoint)
        try:
            parameter = self._client.get_parameter(Name=name)["Parameter"]
        except ClientError as error:
            if code_of(error) in _NOT_THERE:
                raise EndpointNotFound(endpoint, tuple(self.names())) from error
            raise
        return parse_policy(json.loads(parameter["Value"]), source=name)

    def names(self) -> Sequence[EndpointName]:
        """Return the deployed endpoints, sorted."""
        pages = self._client.get_paginator("get_parameters_by_path").paginate(
            Path=settings.POLICY_PATH, Recursive=True
        )
        stored = {parameter["Name"] for page in pages for parameter in page["Parameters"]}
        found = {name.removeprefix(f"{settings.POLICY_PATH}/").split("/")[0] for name in stored}
        return sorted(EndpointName(name) for name in found if settings.policy_parameter(name) in stored)
